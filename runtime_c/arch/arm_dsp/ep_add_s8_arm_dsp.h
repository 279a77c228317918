/* SPDX-License-Identifier: Apache-2.0 */
/* int8 sum or difference of two activations of one shape, instantiated with the constants of a layer.
 *
 * LiteRT brings both operands to the scale 2 max(sa, sb) / 2^20, so that the one of the larger scale, a,
 * is (a - zero) << 19 exactly; b is rescaled by a multiplier and a right shift of 1 or more, or goes as a
 * does. Everything here is twice that: the high multiplies want it so. Roundings are those of ep_rescale,
 * in the form of ep_arm_dsp_tile.h. */
#ifndef EP_ADD_S8_ARM_DSP_H
#define EP_ADD_S8_ARM_DSP_H

#include "ep_arm_dsp_once.h"

/* One element: r0 a, r1 b, r2 y; r4 -a zero << 20, r5 -b zero << 21, r6 b's multiplier, r7 its rounding
 * constant, r8 y's multiplier, r9 its rounding constant, (2 * y zero + 1) << (y_shift - 1). Where b_shift
 * is 0, b goes as a does and r4 has both zeros. minus: 0, a + b; 1, a - b; 2, b - a, with a b_shift. */
__asm__(
    EP_ONCE("ADD_1")
    ".syntax unified\n"
    ".macro ep_add_element minus, b_shift, y_shift, relu, lo, hi\n"
    " ldrsb r10, [r0], #1\n"
    " ldrsb r11, [r1], #1\n"
    " add r10, r4, r10, lsl #20\n"
    " .if \\b_shift\n"
    " add r11, r5, r11, lsl #21\n"
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
    " sub r10, r10, r11, lsl #20\n"
    " .else\n"
    " add r10, r10, r11, lsl #20\n"
    " .endif\n"
    " smmlar r12, r10, r8, r9\n"
    " .if \\relu == 0\n"
    " add r12, r12, r10, asr #31\n"
    " .endif\n"
    " ssat r12, #8, r12, asr #\\y_shift\n"
    " .if \\lo > -128\n"
    " cmp r12, #\\lo\n"
    " it lt\n"
    " movlt r12, #\\lo\n"
    " .endif\n"
    " .if \\hi < 127\n"
    " cmp r12, #\\hi\n"
    " it gt\n"
    " movgt r12, #\\hi\n"
    " .endif\n"
    " strb r12, [r2], #1\n"
    ".endm\n"
    ".macro ep_add name, count, unroll, minus, a_offset, b_offset, b_mult, b_shift, y_mult, y_round, y_shift, "
    "relu, lo, hi\n"
    EP_ASM_BEGIN
    " push {r4-r11, lr}\n"
    " ldr r4, =\\a_offset\n"
    " .if \\b_shift\n"
    " ldr r5, =\\b_offset\n"
    " ldr r6, =\\b_mult\n"
    " mov r7, #1 << (\\b_shift-1)\n"
    " .endif\n"
    " ldr r8, =\\y_mult\n"
    " ldr r9, =\\y_round\n"
    " .if \\count / \\unroll\n"
    " ldr r3, =\\count / \\unroll\n"
    "1:\n"
    " .rept \\unroll\n"
    " ep_add_element \\minus, \\b_shift, \\y_shift, \\relu, \\lo, \\hi\n"
    " .endr\n"
    " subs r3, r3, #1\n"
    " bne.w 1b\n"
    " .endif\n"
    " .rept \\count % \\unroll\n"
    " ep_add_element \\minus, \\b_shift, \\y_shift, \\relu, \\lo, \\hi\n"
    " .endr\n"
    " pop {r4-r11, pc}\n"
    " .ltorg\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

/* void name(a, b, y), of a and b as above; y may be a or b. */
#define EP_ARM_DSP_ADD(name, constants)                         \
    void name(const int8_t *a, const int8_t *b, int8_t *y);     \
    __asm__(".syntax unified\n.ifndef " #name "\nep_add " #name ", " constants "\n.endif\n")

#endif
