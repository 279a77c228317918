/* SPDX-License-Identifier: Apache-2.0 */
/* int8 sum or difference of two activations of one shape as (a * a_mult + b * b_mult + offset) >> shift, which the
 * compiler chose for a layer and tried on all 65,536 pairs of operands: it is what the two roundings of
 * ep_add_s8 give. Two elements go through each other, for cores that begin two instructions together. */
#ifndef EP_ADD_LINEAR_S8_ARM_DSP_H
#define EP_ADD_LINEAR_S8_ARM_DSP_H

#include "ep_arm_dsp_once.h"

/* r0 a, r1 b, r2 y, r3 rounds left, r4 a_mult, r5 b_mult, r6 offset; two elements in r7 and r8, and r9 and r10. */
__asm__(
    EP_ONCE("ADD_LINEAR")
    ".syntax unified\n"
    ".macro ep_add_linear_end sum, shift, lo, hi\n"
    " .if \\lo == -128 || \\hi == 127\n"
    " ssat \\sum, #8, \\sum, asr #\\shift\n"
    " .else\n"
    " asr \\sum, \\sum, #\\shift\n"
    " .endif\n"
    " ep_clamp \\sum, \\lo, \\hi\n"
    " strb \\sum, [r2], #1\n"
    ".endm\n"
    ".macro ep_add_linear_one shift, lo, hi\n"
    " ldrsb r7, [r0], #1\n"
    " ldrsb r8, [r1], #1\n"
    " mla r7, r7, r4, r6\n"
    " mla r7, r8, r5, r7\n"
    " ep_add_linear_end r7, \\shift, \\lo, \\hi\n"
    ".endm\n"
    ".macro ep_add_linear_two shift, lo, hi\n"
    " ldrsb r7, [r0], #1\n"
    " ldrsb r8, [r1], #1\n"
    " ldrsb r9, [r0], #1\n"
    " ldrsb r10, [r1], #1\n"
    " mla r7, r7, r4, r6\n"
    " mla r9, r9, r4, r6\n"
    " mla r7, r8, r5, r7\n"
    " mla r9, r10, r5, r9\n"
    " ep_add_linear_end r7, \\shift, \\lo, \\hi\n"
    " ep_add_linear_end r9, \\shift, \\lo, \\hi\n"
    ".endm\n"
    ".macro ep_add_linear name, count, unroll, a_mult, b_mult, offset, shift, lo, hi\n"
    EP_ASM_BEGIN
    " push {r4-r10, lr}\n"
    " ldr r4, =\\a_mult\n"
    " ldr r5, =\\b_mult\n"
    " ldr r6, =\\offset\n"
    " .if \\count / \\unroll\n"
    " ldr r3, =\\count / \\unroll\n"
    "1:\n"
    " .rept \\unroll / 2\n"
    " ep_add_linear_two \\shift, \\lo, \\hi\n"
    " .endr\n"
    " .rept \\unroll % 2\n"
    " ep_add_linear_one \\shift, \\lo, \\hi\n"
    " .endr\n"
    " subs r3, r3, #1\n"
    " bne.w 1b\n"
    " .endif\n"
    " .rept \\count % \\unroll\n"
    " ep_add_linear_one \\shift, \\lo, \\hi\n"
    " .endr\n"
    " pop {r4-r10, pc}\n"
    " .ltorg\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

/* void name(a, b, y), y may be a or b; unroll: elements of a round. */
#define EP_ARM_DSP_ADD_LINEAR(name, constants)           \
    void name(const int8_t *a, const int8_t *b, int8_t *y); \
    __asm__(".syntax unified\n.ifndef " #name "\nep_add_linear " #name ", " constants "\n.endif\n")

#endif
