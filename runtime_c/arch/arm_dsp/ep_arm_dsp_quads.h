/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loop of int8 fully connected layers on cores with the DSP extension: four output channels A,
 * B, C, D at a time, paired as in ep_arm_dsp_tile.h, (A B) and (C D).
 *
 * Two products of a channel cost one multiplication (Winograd 1968): v x + w y = (v + y) (w + x) - v w - y x.
 * SXTAB16 widens a weight and adds in one go; v w is folded into the bias, y x is the same for all channels and
 * summed once a vector. A + 256 B, read as it lies, is multiplied as ever.
 *
 * Weights: for each four inputs (k, k+1, k+2, k+3) four words, (k, k+2), then (k+1, k+3) of A and B, then both
 * of C and D; for two left over one word of each pair, for one left over (A B C D) in one word.
 * Activations: int16 pairs (k, k+2), (k+1, k+3); left over (k, k+1), then (k, 0). Or bytes in their
 * order, that are widened for each four channels: two instructions more for 16 multiplications.
 *
 * Requantisation has the modes of ep_arm_dsp_tile.h. Mode 2, that of fully connected layers, rounds once: with
 * acc * m summed in 64 bits, (acc * m + 2^(30+e)) >> (31 + e), SMMLA drops the low word, of which the floor
 * takes no notice where e >= 2; 256 B needs no such bound. Modes 0 and 1 are those of convolutions. */
#ifndef EP_ARM_DSP_QUADS_H
#define EP_ARM_DSP_QUADS_H

#include "ep_arm_dsp_common.h"
#include "ep_arm_dsp_once.h"

typedef struct {
    const int8_t *w;
    const uint32_t *x;    /* or bytes, at any address */
    const int32_t *table; /* per quad 4 biases, less the products of neighbouring weights in each four (of A
                             in A + 256 B not); per channel multiplier, shift - 1 where not shared */
    int8_t *y;
    int32_t count;      /* quads */
    int32_t inputs;
    int32_t twice_zero; /* 2 * output zero point + 1 */
    int32_t mult;       /* shared by all channels: multiplier, and shifts - 1 of A and B */
    int32_t shift_a;
    int32_t shift_b;
    int32_t rounds; /* working memory of the loop */
    uint32_t entry;
    int32_t products; /* of neighbouring activations in each whole four, summed */
} ep_arm_dsp_dense;

typedef void ep_arm_dsp_quads(ep_arm_dsp_dense *d);

/* `sum` and the products of two pairs. */
static inline int32_t ep_add_products(int32_t sum, uint32_t a, uint32_t b)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* ep_arm_dsp_dense.products of n activations. */
static inline int32_t ep_neighbours(const int8_t *x, int32_t n)
{
    int32_t sum = 0;
    for (; n >= 4; n -= 4) {
        const uint32_t four = ep_load4(x);
        sum = ep_add_products(sum, ep_even_bytes(four), ep_odd_bytes(four));
        x += 4;
    }
    return sum;
}

/* Sums a and b of two channels. Weights of four inputs are v and w (then lost), activations x and y. */
__asm__(
    EP_ONCE("QUADS_1")
    ".syntax unified\n"
    ".macro ep_dense_pair v, w, x, y, a, b\n"
    " smlad \\b, \\v, \\x, \\b\n"
    " sxtab16 \\v, \\y, \\v\n"
    " smlad \\b, \\w, \\y, \\b\n"
    " sxtab16 \\w, \\x, \\w\n"
    " smlad \\a, \\v, \\w, \\a\n"
    ".endm\n"
    ".macro ep_dense_wide a, b\n" /* A and B apart; weights read here, activations r12 and lr */
    " ldrd r8, r9, [r0], #8\n"
    " sxtab16 r10, lr, r8\n"
    " sxtab16 r11, r12, r9\n"
    " sxtab16 r8, lr, r8, ror #8\n"
    " smlad \\a, r10, r11, \\a\n"
    " sxtab16 r9, r12, r9, ror #8\n"
    " smlad \\b, r8, r9, \\b\n"
    ".endm\n"
    ".macro ep_dense_four wide, bytes\n"
    " .if \\wide == 0\n"
    " ldm r0!, {r8-r11}\n"
    " .endif\n"
    " .if \\bytes\n"
    " ldr lr, [r1], #4\n"
    " sxtb16 r12, lr\n"
    " sxtb16 lr, lr, ror #8\n"
    " .else\n"
    " ldrd r12, lr, [r1], #8\n"
    " .endif\n"
    " .if \\wide\n"
    " ep_dense_wide r4, r5\n"
    " ep_dense_wide r6, r7\n"
    " .else\n"
    " ep_dense_pair r8, r9, r12, lr, r4, r5\n"
    " ep_dense_pair r10, r11, r12, lr, r6, r7\n"
    " .endif\n"
    ".endm\n"
    ".macro ep_dense_split a, b, products\n" /* what was summed into A and B */
    " sub \\a, \\a, \\products\n"
    " sub \\b, \\b, \\a\n"
    ".endm\n"
    ".macro ep_dense_two w, x, a, b, wide\n" /* weights of two inputs */
    " sxtb16 r3, \\w\n"
    " .if \\wide\n"
    " sxtb16 \\w, \\w, ror #8\n"
    " .endif\n"
    " smlad \\b, \\w, \\x, \\b\n"
    " smlad \\a, r3, \\x, \\a\n"
    ".endm\n"
    ".macro ep_dense_rest wide, bytes\n"
    " ldr r2, [sp]\n"
    " ldr r2, [r2, #20]\n"
    " lsls r2, r2, #31\n" /* carry: two are left, negative: one is left */
    " bcc 4f\n"
    " ldm r0!, {r8, r9}\n"
    " .if \\bytes\n"
    " ldrsb r12, [r1], #1\n"
    " ldrsb lr, [r1], #1\n"
    " pkhbt r12, r12, lr, lsl #16\n"
    " .else\n"
    " ldr r12, [r1], #4\n"
    " .endif\n"
    " ep_dense_two r8, r12, r4, r5, \\wide\n"
    " ep_dense_two r9, r12, r6, r7, \\wide\n"
    "4:\n"
    " bpl 5f\n"
    " ldr r8, [r0], #4\n"
    " .if \\bytes\n"
    " ldrsb r12, [r1], #1\n"
    " .else\n"
    " ldr r12, [r1], #4\n"
    " .endif\n"
    " sxtb16 r3, r8\n"
    " .if \\wide\n"
    " sxtb16 r8, r8, ror #8\n"
    " .endif\n"
    " smlabb r5, r8, r12, r5\n"
    " smlabb r4, r3, r12, r4\n"
    " smlatb r7, r8, r12, r7\n"
    " smlatb r6, r3, r12, r6\n"
    "5:\n"
    ".endm\n"
    EP_ONCE_END);

/* acc into one output; m multiplier, c rounding constant (lost), s shift - 1. form: what acc holds, 1: a;
 * 0: a or 256 a that is multiplied as it is; -1: 256 a. */
__asm__(
    EP_ONCE("QUADS_2")
    ".macro ep_dense_round acc, form, m, c, s, mode, lo, hi\n"
    " .if \\form > 0\n"
    " lsl \\acc, \\acc, #1\n"
    " .elseif \\form < 0\n"
    " asr \\acc, \\acc, #7\n"
    " .endif\n"
    " .if \\mode == 0\n"
    " add \\c, \\c, \\acc, asr #31\n"
    " .endif\n"
    " .if \\form == 0\n"
    " smmla \\acc, \\acc, \\m, \\c\n"
    " .else\n"
    " smmlar \\acc, \\acc, \\m, \\c\n"
    " .endif\n"
    " asr \\acc, \\acc, \\s\n"
    " ep_saturate \\acc, \\lo, \\hi\n"
    ".endm\n"
    ".macro ep_dense_output acc, m, c, s, lo, hi\n"
    " ep_dense_round \\acc, 0, \\m, \\c, \\s, 2, \\lo, \\hi\n"
    " strb \\acc, [lr], #1\n"
    ".endm\n"
    ".macro ep_dense_own acc, form, mode, lo, hi\n" /* with a multiplier and shift of its own */
    " ldm r1!, {r8, r10}\n"
    " lsl r9, r3, r10\n"
    " .if \\form == 0 && \\mode == 1\n"
    " add r9, r9, #64\n"
    " .endif\n"
    " ep_dense_round \\acc, \\form, r8, r9, r10, \\mode, \\lo, \\hi\n"
    " strb \\acc, [lr], #1\n"
    ".endm\n"

    /* shared: one multiplier and shift for all channels, of mode 2; rest: the inputs are no multiple of 4;
     * bytes: activations are not widened yet. The loop takes 2^log_unroll times 4 inputs, 48 to 68
     * bytes of code each, and is entered in the middle. */
    ".macro ep_dense_quads name, wide, shared, rest, bytes, log_unroll, mode, lo, hi\n"
    EP_ASM_BEGIN
    " push {r0, r4-r11, lr}\n"
    " ldr r1, [r0, #20]\n"
    " lsr r1, r1, #2\n"
    " add r2, r1, #(1 << \\log_unroll) - 1\n"
    " lsr r2, r2, #\\log_unroll\n"
    " rsb r1, r1, r2, lsl #\\log_unroll\n" /* fours that the first round leaves out */
    " mov r3, #(12 + 3 * \\wide + 2 * \\bytes) * 4\n"
    " mul r3, r3, r1\n"
    " adr r1, 2f\n"
    " add r3, r3, r1\n"
    " cmp r2, #0\n"
    " it eq\n"
    " adreq r3, 3f\n"
    " orr r3, r3, #1\n"
    " strd r2, r3, [r0, #40]\n"
    " mov r2, r0\n"
    " ldr r0, [r2]\n"
    "1:\n"
    " ldr r1, [r2, #8]\n"
    " ldm r1!, {r4-r7}\n"
    " str r1, [r2, #8]\n"
    " ldr r1, [r2, #4]\n"
    " ldrd r2, r3, [r2, #40]\n"
    " bx r3\n"
    " .balign 4\n"
    "2:\n"
    " .rept 1 << \\log_unroll\n"
    " ep_dense_four \\wide, \\bytes\n"
    " .endr\n"
    " subs r2, r2, #1\n"
    " bne.w 2b\n"
    " .balign 4\n"
    "3:\n"
    " .if \\rest\n"
    " ep_dense_rest \\wide, \\bytes\n"
    " .endif\n"
    " ldr r2, [sp]\n"
    " ldr r3, [r2, #48]\n"
    " .if \\wide\n"
    " sub r4, r4, r3\n"
    " sub r5, r5, r3\n"
    " sub r6, r6, r3\n"
    " sub r7, r7, r3\n"
    " .else\n"
    " ep_dense_split r4, r5, r3\n"
    " ep_dense_split r6, r7, r3\n"
    " .endif\n"
    " ldr r3, [r2, #24]\n"
    " ldr lr, [r2, #12]\n"
    " .if \\shared\n"
    " add r12, r2, #28\n"
    " ldm r12, {r8, r10, r12}\n"
    " lsl r9, r3, r10\n"
    " lsl r11, r3, r12\n"
    " ep_dense_output r4, r8, r9, r10, \\lo, \\hi\n"
    " ep_dense_output r5, r8, r11, r12, \\lo, \\hi\n"
    " ep_dense_output r6, r8, r9, r10, \\lo, \\hi\n"
    " ep_dense_output r7, r8, r11, r12, \\lo, \\hi\n"
    " .else\n"
    " ldr r1, [r2, #8]\n"
    " .set EP_a, 1\n"
    " .if \\mode == 2\n"
    " .set EP_a, 0\n"
    " .endif\n"
    " .set EP_b, EP_a\n"
    " .if \\wide == 0\n"
    " .set EP_b, 0\n"
    " .if \\mode == 0\n"
    " .set EP_b, -1\n"
    " .endif\n"
    " .endif\n"
    " ep_dense_own r4, EP_a, \\mode, \\lo, \\hi\n"
    " ep_dense_own r5, EP_b, \\mode, \\lo, \\hi\n"
    " ep_dense_own r6, EP_a, \\mode, \\lo, \\hi\n"
    " ep_dense_own r7, EP_b, \\mode, \\lo, \\hi\n"
    " str r1, [r2, #8]\n"
    " .endif\n"
    " str lr, [r2, #12]\n"
    " ldr r3, [r2, #16]\n"
    " subs r3, r3, #1\n"
    " str r3, [r2, #16]\n"
    " bne.w 1b\n"
    " pop {r0, r4-r11, pc}\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

#define EP_ARM_DSP_QUADS(name, constants) \
    ep_arm_dsp_quads name;                \
    __asm__(".syntax unified\n.ifndef " #name "\nep_dense_quads " #name ", " constants "\n.endif\n")

#endif
