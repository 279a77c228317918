/* SPDX-License-Identifier: Apache-2.0 */
/* int8 or int16 sum or difference of two activations of one shape, instantiated with the constants of a
 * layer.
 *
 * LiteRT brings both operands to the scale 2 max(sa, sb) / 2^left, left 20 for int8 and 15 for int16, so
 * that the one of the larger scale, a, is (a - zero) << (left - 1) exactly; b is rescaled by a multiplier and a right shift of 1 or more, or goes as a
 * does. Everything here is twice that: the high multiplies want it so. Roundings are those of ep_rescale,
 * in the form of ep_arm_dsp_tile.h. */
#ifndef EP_ADD_S8_ARM_DSP_H
#define EP_ADD_S8_ARM_DSP_H

#include "ep_arm_dsp_once.h"

/* One element of 8 or 16 bits: r0 a, r1 b, r2 y; r4 -a zero << 20, r5 -b zero << 21 (int16 has no zero
 * points, and the smallest and the largest result there), r6 b's multiplier, r7 its rounding
 * constant, r8 y's multiplier, r9 its rounding constant, (2 * y zero + 1) << (y_shift - 1). Where b_shift
 * is 0, b goes as a does and r4 has both zeros. minus: 0, a + b; 1, a - b; 2, b - a, with a b_shift. */
__asm__(
    EP_ONCE("ADD_1")
    ".syntax unified\n"
    ".macro ep_add_element bits, minus, b_shift, y_shift, relu, lo, hi\n"
    " .if \\bits == 8\n"
    " .set EP_left, 20\n"
    " ldrsb r10, [r0], #1\n"
    " ldrsb r11, [r1], #1\n"
    " add r10, r4, r10, lsl #20\n"
    " .if \\b_shift\n"
    " add r11, r5, r11, lsl #21\n"
    " .endif\n"
    " .else\n"
    " .set EP_left, 15\n"
    " ldrsh r10, [r0], #2\n"
    " ldrsh r11, [r1], #2\n"
    " lsl r10, r10, #15\n"
    " .if \\b_shift\n"
    " lsl r11, r11, #16\n"
    " .endif\n"
    " .endif\n"
    " .if \\b_shift\n"
    " smmlar r12, r11, r6, r7\n"
    " add r12, r12, r11, asr #31\n"
    " asr r12, r12, #\\b_shift\n"
    " .if \\minus == 0\n"
    " add r10, r10, r12, lsl #1\n"
    " .elseif \\minus == 1\n"
    " sub r10, r10, r12, lsl #1\n"
    " .else\n"
    " rsb r10, r10, r12, lsl #1\n"
    " .endif\n"
    " .elseif \\minus\n"
    " sub r10, r10, r11, lsl #EP_left\n"
    " .else\n"
    " add r10, r10, r11, lsl #EP_left\n"
    " .endif\n"
    " smmlar r12, r10, r8, r9\n"
    " .if \\relu == 0\n"
    " add r12, r12, r10, asr #31\n"
    " .endif\n"
    " ssat r12, #\\bits, r12, asr #\\y_shift\n"
    " .if \\lo > -(1 << (\\bits-1))\n"
    " ep_add_limit \\bits, lt, \\lo, r4\n"
    " .endif\n"
    " .if \\hi < (1 << (\\bits-1)) - 1\n"
    " ep_add_limit \\bits, gt, \\hi, r5\n"
    " .endif\n"
    " .if \\bits == 8\n"
    " strb r12, [r2], #1\n"
    " .else\n"
    " strh r12, [r2], #2\n"
    " .endif\n"
    ".endm\n"
    ".macro ep_add_limit bits, if, limit, in\n"
    " .if \\bits == 8\n"
    " cmp r12, #\\limit\n"
    " it \\if\n"
    " mov\\if r12, #\\limit\n"
    " .else\n"
    " cmp r12, \\in\n"
    " it \\if\n"
    " mov\\if r12, \\in\n"
    " .endif\n"
    ".endm\n"
    ".macro ep_add name, bits, count, unroll, minus, a_offset, b_offset, b_mult, b_shift, y_mult, y_round, "
    "y_shift, relu, lo, hi\n"
    EP_ASM_BEGIN
    " push {r4-r11, lr}\n"
    " .if \\bits == 8\n"
    " ldr r4, =\\a_offset\n"
    " .if \\b_shift\n"
    " ldr r5, =\\b_offset\n"
    " .endif\n"
    " .else\n"
    " ldr r4, =\\lo\n"
    " ldr r5, =\\hi\n"
    " .endif\n"
    " .if \\b_shift\n"
    " ldr r6, =\\b_mult\n"
    " mov r7, #1 << (\\b_shift-1)\n"
    " .endif\n"
    " ldr r8, =\\y_mult\n"
    " ldr r9, =\\y_round\n"
    " .if \\count / \\unroll\n"
    " ldr r3, =\\count / \\unroll\n"
    "1:\n"
    " .rept \\unroll\n"
    " ep_add_element \\bits, \\minus, \\b_shift, \\y_shift, \\relu, \\lo, \\hi\n"
    " .endr\n"
    " subs r3, r3, #1\n"
    " bne.w 1b\n"
    " .endif\n"
    " .rept \\count % \\unroll\n"
    " ep_add_element \\bits, \\minus, \\b_shift, \\y_shift, \\relu, \\lo, \\hi\n"
    " .endr\n"
    " pop {r4-r11, pc}\n"
    " .ltorg\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

/* void name(a, b, y), of a and b as above; y may be a or b. */
#define EP_ARM_DSP_ADD_OF(type, bits, name, constants)    \
    void name(const type *a, const type *b, type *y);     \
    __asm__(".syntax unified\n.ifndef " #name "\nep_add " #name ", " #bits ", " constants "\n.endif\n")

#define EP_ARM_DSP_ADD(name, constants) EP_ARM_DSP_ADD_OF(int8_t, 8, name, constants)

#endif
