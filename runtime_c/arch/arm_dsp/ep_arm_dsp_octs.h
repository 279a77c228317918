/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loop of ep_arm_dsp_quads.h for eight output channels at a time, paired (A B), (C D), (E F),
 * (G H), from bytes: widening them is shared by more channels, so that working memory saves next to
 * nothing. Inputs are a multiple of 4, and 8 at least; the pairs those of the narrow form.
 *
 * Weights: for each four inputs (k, k+1, k+2, k+3) eight words, of each pair (k, k+2), then (k+1, k+3).
 * Table: 8 biases as in ep_arm_dsp_quads.h, then per channel multiplier and shift - 1 where they are not
 * shared. */
#ifndef EP_ARM_DSP_OCTS_H
#define EP_ARM_DSP_OCTS_H

#include "ep_arm_dsp_quads.h"

__asm__(
    EP_ONCE("OCTS")
    ".syntax unified\n"
    ".macro ep_octs_pairs a, b, c, d\n"
    " ep_dense_pair r2, r3, r12, lr, \\a, \\b\n"
    " ldrd r2, r3, [r0], #8\n"
    " ep_dense_pair r2, r3, r12, lr, \\c, \\d\n"
    ".endm\n"

    /* Four inputs, in EP_OCTS_FOUR bytes of code. last: of a round, compares for the branch behind it. A
     * group of loads takes a cycle more than its words; on Armv8-M LDRD takes two. */
    ".macro ep_octs_four last\n"
    " ldr r12, [r1], #4\n"
#if __ARM_ARCH >= 8
#define EP_OCTS_FOUR "108"
    " ldrd r2, r3, [r0], #8\n"
#else
#define EP_OCTS_FOUR "110"
    " ldr r3, [r0, #4]\n"
    " ldr r2, [r0], #8\n"
#endif
    " .if \\last\n"
    " ldr lr, [sp, #4]\n"
    " cmp r1, lr\n"
    " .endif\n"
    " sxtb16 lr, r12, ror #8\n"
    " sxtb16 r12, r12\n"
    " ep_octs_pairs r4, r5, r6, r7\n"
    " ldrd r2, r3, [r0], #8\n"
    " ep_octs_pairs r8, r9, r10, r11\n"
    ".endm\n"
    ".macro ep_octs_half a, c, e, g, s, at, lo, hi\n" /* every other channel; r1 multiplier, r2 d */
    " ldr r3, [r2, #\\s]\n"
    " ldr r12, [r2, #24]\n"
    " lsl r12, r12, r3\n"
    " ep_dense_round \\a, 0, r1, r12, r3, 2, \\lo, \\hi\n"
    " strb \\a, [lr, #\\at]\n"
    " ep_dense_round \\c, 0, r1, r12, r3, 2, \\lo, \\hi\n"
    " strb \\c, [lr, #\\at + 2]\n"
    " ep_dense_round \\e, 0, r1, r12, r3, 2, \\lo, \\hi\n"
    " strb \\e, [lr, #\\at + 4]\n"
    " ep_dense_round \\g, 0, r1, r12, r3, 2, \\lo, \\hi\n"
    " strb \\g, [lr, #\\at + 6]\n"
    ".endm\n"
    ".macro ep_octs_own acc, at, lo, hi\n" /* with a multiplier and shift of its own; r2 twice zero */
    " ldrd r3, r12, [r1], #8\n"
    " lsl r0, r2, r12\n"
    " ep_dense_round \\acc, 0, r3, r0, r12, 2, \\lo, \\hi\n"
    " strb \\acc, [lr, #\\at]\n"
    ".endm\n"

    /* The loop takes 2^log_unroll times 4 inputs and is entered in the middle. */
    ".macro ep_dense_octs name, shared, log_unroll, lo, hi\n"
    EP_ASM_BEGIN
    " push {r0, r3-r11, lr}\n" /* r3: a word for where the activations end */
    " ldr r2, [r0, #4]\n"
    " ldr r1, [r0, #20]\n"
    " add r3, r2, r1\n"
    " str r3, [sp, #4]\n"
    " lsrs r1, r1, #2\n"
    " negs r1, r1\n"
    " and r1, r1, #(1 << \\log_unroll) - 1\n" /* fours that the first round leaves out */
    " mov r3, #" EP_OCTS_FOUR "\n"
    " muls r1, r3, r1\n"
    " adr r3, 2f\n"
    " add r3, r3, r1\n"
    " orr r3, r3, #1\n"
    " strd r2, r3, [r0, #40]\n"
    " mov r2, r0\n"
    " ldr r0, [r2]\n"
    "1:\n"
    " ldr lr, [r2, #8]\n"
    " ldm lr!, {r4-r11}\n"
    " str lr, [r2, #8]\n"
    " ldr r1, [r2, #40]\n"
    " ldr r3, [r2, #44]\n"
    " bx r3\n"
    " .balign 4\n"
    "2:\n"
    " .rept (1 << \\log_unroll) - 1\n"
    " ep_octs_four 0\n"
    " .endr\n"
    " ep_octs_four 1\n"
    " bne.w 2b\n"
    " ldr r2, [sp]\n"
    " ldr r3, [r2, #48]\n"
    " ep_dense_split r4, r5, r3\n"
    " ep_dense_split r6, r7, r3\n"
    " ep_dense_split r8, r9, r3\n"
    " ep_dense_split r10, r11, r3\n"
    " ldr lr, [r2, #12]\n"
    " .if \\shared\n"
    " ldr r1, [r2, #28]\n"
    " ep_octs_half r4, r6, r8, r10, 32, 0, \\lo, \\hi\n"
    " ep_octs_half r5, r7, r9, r11, 36, 1, \\lo, \\hi\n"
    " .else\n"
    " str r0, [r2]\n"
    " ldr r1, [r2, #8]\n"
    " ldr r2, [r2, #24]\n"
    " ep_octs_own r4, 0, \\lo, \\hi\n"
    " ep_octs_own r5, 1, \\lo, \\hi\n"
    " ep_octs_own r6, 2, \\lo, \\hi\n"
    " ep_octs_own r7, 3, \\lo, \\hi\n"
    " ep_octs_own r8, 4, \\lo, \\hi\n"
    " ep_octs_own r9, 5, \\lo, \\hi\n"
    " ep_octs_own r10, 6, \\lo, \\hi\n"
    " ep_octs_own r11, 7, \\lo, \\hi\n"
    " ldr r2, [sp]\n"
    " str r1, [r2, #8]\n"
    " ldr r0, [r2]\n"
    " .endif\n"
    " adds lr, lr, #8\n"
    " str lr, [r2, #12]\n"
    " ldr r3, [r2, #16]\n"
    " subs r3, r3, #1\n"
    " str r3, [r2, #16]\n"
    " bne.w 1b\n"
    " pop {r0, r3-r11, pc}\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

#define EP_ARM_DSP_OCTS(name, constants) \
    ep_arm_dsp_quads name;               \
    __asm__(".syntax unified\n.ifndef " #name "\nep_dense_octs " #name ", " constants "\n.endif\n")

#endif
