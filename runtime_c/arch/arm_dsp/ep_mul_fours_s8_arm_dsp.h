/* SPDX-License-Identifier: Apache-2.0 */
/* int8 product of two activations of one shape, with the layer's constants in the code; as ep_mul_s8, bit for bit.
 * The high multiply wants twice the product. It rounds to an integer, of which a half then goes away from zero: that
 * of a negative product is one less. */
#ifndef EP_MUL_FOURS_S8_ARM_DSP_H
#define EP_MUL_FOURS_S8_ARM_DSP_H

#include "ep_arm_dsp_once.h"

/* r0 a, r1 b, r2 y, r3 rounds left, r4 mult, r5 rounding and zero point, r6 and r7 zero points of a and b, less than
 * 0, in both halves; lr and r11, or r12, are lost. */
__asm__(
    EP_ONCE("MUL_FOURS")
    ".syntax unified\n"
    ".macro ep_mul_rescale v, sum\n" /* v: twice the product */
    " add \\sum, r5, \\v, asr #31\n"
    " smmlar \\v, \\v, r4, \\sum\n"
    ".endm\n"
    ".macro ep_mul_store v, right, lo, hi\n"
    " .if \\lo == -128 || \\hi == 127\n"
    " ssat \\v, #8, \\v, asr #\\right\n"
    " .else\n"
    " asr \\v, \\v, #\\right\n"
    " .endif\n"
    " ep_clamp \\v, \\lo, \\hi\n"
    " strb \\v, [r2], #1\n"
    ".endm\n"
    ".macro ep_mul_one right, lo, hi\n"
    " ldrsb r8, [r0], #1\n"
    " ldrsb r10, [r1], #1\n"
    " sxtah r8, r6, r8\n"
    " sxtah r10, r7, r10\n"
    " lsl r8, r8, #1\n"
    " smulbb r8, r8, r10\n"
    " ep_mul_rescale r8, lr\n"
    " ep_mul_store r8, \\right, \\lo, \\hi\n"
    ".endm\n"
    ".macro ep_mul_four right, lo, hi\n"
    " ldr r8, [r0], #4\n"
    " ldr r10, [r1], #4\n"
    " sxtab16 r9, r6, r8, ror #8\n" /* elements 1 and 3, then 0 and 2 */
    " sxtab16 r8, r6, r8\n"
    " sxtab16 r11, r7, r10, ror #8\n"
    " sxtab16 r10, r7, r10\n"
    " sadd16 r9, r9, r9\n"
    " sadd16 r8, r8, r8\n"
    " smulbb r12, r8, r10\n"
    " smultt r8, r8, r10\n"
    " smulbb r10, r9, r11\n"
    " smultt r9, r9, r11\n"
    " ep_mul_rescale r12, lr\n"
    " ep_mul_rescale r10, r11\n"
    " ep_mul_rescale r8, lr\n"
    " ep_mul_rescale r9, r11\n"
    " ep_mul_store r12, \\right, \\lo, \\hi\n"
    " ep_mul_store r10, \\right, \\lo, \\hi\n"
    " ep_mul_store r8, \\right, \\lo, \\hi\n"
    " ep_mul_store r9, \\right, \\lo, \\hi\n"
    ".endm\n"
    ".macro ep_mul_fours name, count, a_zero, b_zero, mult, rounding, right, lo, hi\n"
    EP_ASM_BEGIN
    " push {r4-r11, lr}\n"
    " ldr r4, =\\mult\n"
    " ldr r5, =\\rounding\n"
    " ldr r6, =((-(\\a_zero) & 0xffff) * 0x10001)\n"
    " ldr r7, =((-(\\b_zero) & 0xffff) * 0x10001)\n"
    " .if \\count / 4\n"
    " ldr r3, =\\count / 4\n"
    "1:\n"
    " ep_mul_four \\right, \\lo, \\hi\n"
    " subs r3, r3, #1\n"
    " bne.w 1b\n"
    " .endif\n"
    " .if \\count % 4\n"
    " mov r3, #\\count % 4\n"
    "2:\n"
    " ep_mul_one \\right, \\lo, \\hi\n"
    " subs r3, r3, #1\n"
    " bne.w 2b\n"
    " .endif\n"
    " pop {r4-r11, pc}\n"
    " .ltorg\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

/* void name(a, b, y), y may be a or b. */
#define EP_ARM_DSP_MUL_FOURS(name, constants)            \
    void name(const int8_t *a, const int8_t *b, int8_t *y); \
    __asm__(".syntax unified\n.ifndef " #name "\nep_mul_fours " #name ", " constants "\n.endif\n")

#endif
