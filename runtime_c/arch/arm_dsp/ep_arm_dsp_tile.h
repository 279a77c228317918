/* SPDX-License-Identifier: Apache-2.0 */
/* The inner tile of int8 convolutions on Armv7E-M and Armv8-M with the DSP extension, as assembler
 * macros that a model instantiates with the constants of its layers. Written out once for each form that
 * the model has, they are named after their constants, so that layers of one form share them.
 *
 * A tile is 1 to 4 neighbouring output pixels times two output channels A and B (or one: "solo").
 *
 * Activations are int16, two in a word. The words of one "plane" hold one pair of input channels of
 * neighbouring pixels, so that what one kernel tap needs for 4 pixels are 4 words in a row: two LDRD.
 * The last plane of an odd number of input channels holds (pixel, pixel + dilation) of that channel:
 * its taps are taken two at a time, the last of an odd number alone ("half").
 *
 * Weights are bytes (A0 B0 A1 B1) for each step of two multiplications per channel: SXTB16 gives the
 * pair (A0 A1). In the narrow form B has been reduced by one where A is negative, so that the 16-bit
 * lanes of the same word are A + 256 * B: SMLAD with the word itself sums A + 256 * B, modulo 2^32, and
 * B = (that - A) >> 8, exact while |B| < 2^23, which the compiler proves from the weights. In the wide
 * form a second SXTB16 delivers B: one instruction more per 16 multiplications, no bound.
 *
 * Requantisation is that of the portable kernels, bit for bit. With a the accumulator, m the multiplier,
 * e the right shift and z the output's zero point:
 *   mode 0, two roundings: x = SMMULR(2a, m) is the first, (x + 2^(e-1) - (x < 0)) >> e the second; z rides
 *     on the rounding constant, (2z + 1) << (e - 1). The sign of a stands in for that of x: they differ
 *     only where x = 0, and there both give 0.
 *   mode 1, two roundings and a fused ReLU that cuts everything below z: the sign makes no difference
 *     and is left out. Then both roundings are one floor with the constant 2^(e-1) + 1/2, which 256 B
 *     takes as it is, in units of 1/128.
 *   mode 2, one rounding (fully connected): (a * m + 2^(30+e)) >> (31 + e), SMMLA drops only what the floor
 *     drops.
 *
 * Registers in the loop: r0 weights, r1 activations, r2 r3 weights of a step, r12 lr activations of two
 * pixels, r4 r6 r8 r10 accumulators of A and r5 r7 r9 r11 of B for pixels 0 to 3. */
#ifndef EP_ARM_DSP_TILE_H
#define EP_ARM_DSP_TILE_H

#include "ep_arm_dsp_once.h"
#include "ep_arm_dsp_requant.h"

/* A tile is made of two pieces of code. The body has the steps of one geometry; it is jumped to, not called,
 * and jumps back. The rest, biases and requantisation, is the same for many layers: the engine. */
typedef void ep_arm_dsp_body(void);

/* Where a tile's activations lie: from start to end, then from wrap to wrap_end (a ring of rows that is
 * entered in the middle); wrap_end = end where there is no second part. */
typedef struct {
    const uint32_t *start;
    const uint32_t *end;
    const uint32_t *wrap;
    const uint32_t *wrap_end;
    int32_t count;      /* channel pairs (solo: channels) */
    int32_t pitch;      /* bytes from one output pixel to the next */
    int32_t twice_zero; /* 2 * output zero point + 1 */
    ep_arm_dsp_body *body;
} ep_arm_dsp_window;

/* w      packed weights of `count` pairs
 * table  per pair {bias A, bias B, mult A, shift A, mult B, shift B}, solo {bias, mult, shift}; in the
 *        narrow form bias A + 256 * bias B in place of bias B; shifts less one, and so that they
 *        suit what is shifted
 * y      first output: pixel 0, channel A of the first pair */
typedef void ep_arm_dsp_engine(const int8_t *w, const ep_arm_dsp_window *x, const int32_t *table,
                               int8_t *y);

typedef struct {
    ep_arm_dsp_engine *engine; /* null: never needed */
    ep_arm_dsp_body *body;
} ep_arm_dsp_tile;

/* One multiply-accumulate instruction per channel for the pixel in register x. */
__asm__(
    EP_ONCE("TILE_1")
    ".syntax unified\n"
    ".macro ep_pixel op, a, b, x, ch\n"
    " \\op \\a, r3, \\x, \\a\n"
    " .if \\ch == 2\n"
    " \\op \\b, r2, \\x, \\b\n"
    " .endif\n"
    ".endm\n"

    /* Loads the weights of one step into r2; half: one multiplication per channel. */
    ".macro ep_load_weights ch, half\n"
    " .if \\ch == 2\n"
    " .if \\half\n"
    " ldrh r2, [r0], #2\n"
    " .else\n"
    " ldr r2, [r0], #4\n"
    " .endif\n"
    " .elseif \\half\n"
    " ldrsb r3, [r0], #1\n"
    " .else\n"
    " ldrh r3, [r0], #2\n"
    " .endif\n"
    ".endm\n"

    /* Then takes them apart, into r3 (A) and r2 (B). */
    ".macro ep_part_weights ch, wide, half\n"
    " .if \\ch == 2\n"
    " sxtb16 r3, r2\n"
    " .if \\wide\n"
    " sxtb16 r2, r2, ror #8\n"
    " .endif\n"
    " .elseif \\half == 0\n"
    " orr r3, r3, r3, lsl #8\n"
    " sxtb16 r3, r3\n"
    " .endif\n"
    ".endm\n"

    /* One step: the words at `at` bytes from r1; `back` "!" moves r1 to the last two of them. The first
     * activations are loaded one by one behind the weights: a load behind a load takes one cycle, LDRD
     * three. */
    ".macro ep_step at, px, ch, wide, op, half, back\n"
    " ep_load_weights \\ch, \\half\n"
    " ldr r12, [r1, #\\at]\n"
    " .if \\px > 1\n"
    " ldr lr, [r1, #\\at + 4]\n"
    " .endif\n"
    " ep_part_weights \\ch, \\wide, \\half\n"
    " ep_pixel \\op, r4, r5, r12, \\ch\n"
    " .if \\px > 1\n"
    " ep_pixel \\op, r6, r7, lr, \\ch\n"
    " .endif\n"
    " .if \\px == 3\n"
    " ldr r12, [r1, #\\at + 8]\n"
    " ep_pixel \\op, r8, r9, r12, \\ch\n"
    " .elseif \\px == 4\n"
    " ldrd r12, lr, [r1, #\\at + 8]\\back\n"
    " ep_pixel \\op, r8, r9, r12, \\ch\n"
    " ep_pixel \\op, r10, r11, lr, \\ch\n"
    " .endif\n"
    ".endm\n"
    EP_ONCE_END);

/* The same for cores that begin two instructions together (EP_dual): every load beside a product of the
 * step before it, none beside another load; whole steps of four pixels and two paired channels. What is
 * loaded and not yet multiplied is pending; its words are at EP_pend. */
__asm__(
    EP_ONCE("TILE_DUAL")
    ".macro ep_dual_halves\n"
    " smlad r5, r2, r12, r5\n"
    " smlad r4, r3, r12, r4\n"
    " ldr r12, [r1, #EP_pend + 8]\n"
    " smlad r7, r2, lr, r7\n"
    " smlad r6, r3, lr, r6\n"
    " ldr lr, [r1, #EP_pend + 12]\n"
    " smlad r9, r2, r12, r9\n"
    " smlad r8, r3, r12, r8\n"
    ".endm\n"
    ".macro ep_dual_step\n"
    " .if EP_pending\n"
    " ep_dual_halves\n"
    " ldr r12, [r1, #EP_at]\n"
    " smlad r11, r2, lr, r11\n"
    " ldr r2, [r0], #4\n"
    " smlad r10, r3, lr, r10\n"
    " .else\n"
    " ldr r12, [r1, #EP_at]\n"
    " ldr r2, [r0], #4\n"
    " .endif\n"
    " ldr lr, [r1, #EP_at + 4]\n"
    " sxtb16 r3, r2\n"
    " .set EP_pend, EP_at\n"
    " .set EP_pending, 1\n"
    ".endm\n"
    ".macro ep_dual_end\n"
    " .if EP_pending\n"
    " ep_dual_halves\n"
    " smlad r11, r2, lr, r11\n"
    " smlad r10, r3, lr, r10\n"
    " .endif\n"
    " .set EP_pending, 0\n"
    ".endm\n"
    EP_ONCE_END);

/* The steps of one round: `rows` kernel rows of `planes` planes and, where `odd`, the plane of an odd last
 * channel. Tap t reads word (t * dx) / sx of phase ((t * dx) % sx) / g, where sx is the stride and
 * g = gcd(dx, sx). r1 is EP_bias bytes ahead of the round, so that where `ahead` is 1 the last load
 * moves it to the next round; where it is 2 an addition does. */
__asm__(
    EP_ONCE("TILE_2")
    ".macro ep_tap_offset t, dx, sx, g, phase\n"
    " .set EP_at, (((\\t) * \\dx) % \\sx) / \\g * \\phase + ((\\t) * \\dx) / \\sx * 4\n"
    ".endm\n"
    ".macro ep_next_step t, dx, sx, g, phase, px, ch, wide, op, half, ahead\n"
    " ep_tap_offset \\t, \\dx, \\sx, \\g, \\phase\n"
    " .set EP_at, EP_at + EP_base - EP_bias\n"
    " .set EP_left, EP_left - 1\n"
    " .if EP_dual && \\px == 4 && \\ch == 2 && \\wide == 0 && \\half == 0\n"
    " ep_dual_step\n"
    " .else\n"
    " ep_dual_end\n"
    " .if \\ahead == 1 && EP_left == 0\n"
    " ep_step EP_at, \\px, \\ch, \\wide, \\op, \\half, !\n"
    " .else\n"
    " ep_step EP_at, \\px, \\ch, \\wide, \\op, \\half\n"
    " .endif\n"
    " .endif\n"
    ".endm\n"
    ".macro ep_round rows, planes, odd, kw, dx, sx, g, phase, plane, px, ch, wide, ahead\n"
    " .set EP_base, 0\n"
    " .set EP_left, \\rows * (\\planes * \\kw + \\odd * ((\\kw + 1) / 2))\n"
    " .rept \\rows\n"
    " .rept \\planes\n"
    " .set EP_tap, 0\n"
    " .rept \\kw\n"
    " ep_next_step EP_tap, \\dx, \\sx, \\g, \\phase, \\px, \\ch, \\wide, smlad, 0, \\ahead\n"
    " .set EP_tap, EP_tap + 1\n"
    " .endr\n"
    " .set EP_base, EP_base + \\plane\n"
    " .endr\n"
    " .if \\odd\n"
    " .set EP_tap, 0\n"
    " .rept \\kw / 2\n"
    " ep_next_step EP_tap, \\dx, \\sx, \\g, \\phase, \\px, \\ch, \\wide, smlad, 0, \\ahead\n"
    " .set EP_tap, EP_tap + 2\n"
    " .endr\n"
    " .if \\kw % 2\n"
    " ep_next_step EP_tap, \\dx, \\sx, \\g, \\phase, \\px, \\ch, \\wide, smlabb, 1, \\ahead\n"
    " .endif\n"
    " .set EP_base, EP_base + \\plane\n"
    " .endif\n"
    " .endr\n"
    " ep_dual_end\n"
    " .if \\ahead == 2\n"
    " add r1, r1, #EP_base\n"
    " .endif\n"
    ".endm\n"
    EP_ONCE_END);

/* The accumulators start at the bias. */
__asm__(
    EP_ONCE("TILE_4")
    ".macro ep_biases px, ch\n"
    " .if \\ch == 2\n"
    " ldm r2!, {r4, r5}\n"
    " .else\n"
    " ldr r4, [r2], #4\n"
    " .endif\n"
    " .irp i, 6, 8, 10\n"
    " .if \\i < 4 + 2 * \\px\n"
    " mov r\\i, r4\n"
    " .endif\n"
    " .endr\n"
    " .if \\ch == 2\n"
    " .irp i, 7, 9, 11\n"
    " .if \\i < 5 + 2 * \\px\n"
    " mov r\\i, r5\n"
    " .endif\n"
    " .endr\n"
    " .endif\n"
    ".endm\n"


    /* Frame: 0 start, 4 end, 8 wrap, 12 wrap end, 16 table, 20 output, 24 count, 28 end of this part,
     * 32 weights, 36 rounds left in this row, 40 pitch, 44 twice zero, 48 body, 52 where it returns.
     *
     * px pixels, 1 to 4; ch channels, 1 or 2; wide, mode, see above; lo, hi smallest and largest output */
    ".macro ep_engine name, px, ch, wide, mode, lo, hi\n"
    EP_ASM_BEGIN
    " push {r4-r11, lr}\n"
    " sub sp, sp, #60\n"
    " ldm r1, {r4-r11}\n"
    " strd r4, r5, [sp]\n"
    " strd r6, r7, [sp, #8]\n"
    " strd r2, r3, [sp, #16]\n"
    " str r8, [sp, #24]\n"
    " strd r9, r10, [sp, #40]\n"
    " adr r3, 2f\n"
    " orr r3, r3, #1\n"
    " strd r11, r3, [sp, #48]\n"
    "1:\n"
    " ep_biases \\px, \\ch\n"
    " str r2, [sp, #16]\n"
    " ldr pc, [sp, #48]\n"
    " .balign 4\n"
    "2:\n"
    " str r0, [sp, #32]\n"
    " ldrd r0, lr, [sp, #16]\n"
    " ep_outputs \\px, \\ch, \\wide, \\mode, \\lo, \\hi\n"
    " ldr r3, [sp, #24]\n"
    " strd r0, lr, [sp, #16]\n"
    " mov r2, r0\n"
    " subs r3, r3, #1\n"
    " str r3, [sp, #24]\n"
    " ldr r0, [sp, #32]\n"
    " bne.w 1b\n"
    " add sp, sp, #60\n"
    " pop {r4-r11, pc}\n"
    EP_ASM_END
    ".endm\n"

    /* rows    kernel rows in a round     planes  planes in a round        odd     1: an odd last channel
     * rounds  more than 0: so many rounds, then `rest` planes and the odd one, make one row
     * kw, dx, sx, g, phase, plane        columns: taps, dilation, stride, gcd; bytes of phase and plane
     * ring    1: the rows wrap around    loop    1: there may be more than one round
     * bias    how far the window's pointers are ahead      dual    1: for cores that pair instructions */
    ".macro ep_body name, px, ch, wide, rows, planes, odd, rounds, rest, kw, dx, sx, g, phase, plane, "
    "ring, loop, bias, dual\n"
    EP_ASM_BEGIN
    " .set EP_bias, \\bias\n"
    " .set EP_dual, \\dual\n"
    " .set EP_pending, 0\n"
    " .set EP_ahead, 0\n"
    " .if \\loop\n"
    " .set EP_ahead, 2\n"
    " .if \\px == 4 && \\rounds == 0 && \\dual == 0\n"
    " .set EP_ahead, 1\n"
    " .endif\n"
    " .endif\n"
    " .if \\ring\n"
    " ldrd r1, r3, [sp]\n"
    "2:\n"
    " str r3, [sp, #28]\n"
    " .else\n"
    " ldr r1, [sp]\n"
    " .endif\n"
    "3:\n"
    " .if \\rounds\n"
    " mov r3, #\\rounds\n"
    " str r3, [sp, #36]\n"
    "4:\n"
    " ep_round 1, \\planes, 0, \\kw, \\dx, \\sx, \\g, \\phase, \\plane, \\px, \\ch, \\wide, 2\n"
    " ldr r3, [sp, #36]\n"
    " subs r3, r3, #1\n"
    " str r3, [sp, #36]\n"
    " bne.w 4b\n"
    " ep_round 1, \\rest, \\odd, \\kw, \\dx, \\sx, \\g, \\phase, \\plane, \\px, \\ch, \\wide, 2\n"
    " .else\n"
    " ep_round \\rows, \\planes, \\odd, \\kw, \\dx, \\sx, \\g, \\phase, \\plane, \\px, \\ch, \\wide, "
    "EP_ahead\n"
    " .endif\n"
    " .if \\loop\n"
    " .if \\ring\n"
    " ldr r3, [sp, #28]\n"
    " .else\n"
    " ldr r3, [sp, #4]\n"
    " .endif\n"
    " cmp r1, r3\n"
    " bne.w 3b\n"
    " .endif\n"
    " .if \\ring\n"
    " ldrd r2, r3, [sp, #8]\n"
    " cmp r1, r3\n"
    " itt ne\n"
    " movne r1, r2\n"
    " bne.w 2b\n"
    " .endif\n"
    " ldr pc, [sp, #52]\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

#define EP_ARM_DSP_ENGINE(name, constants) \
    ep_arm_dsp_engine name;                \
    __asm__(".syntax unified\n.ifndef " #name "\nep_engine " #name ", " constants "\n.endif\n")

#define EP_ARM_DSP_BODY(name, constants) \
    ep_arm_dsp_body name;                \
    __asm__(".syntax unified\n.ifndef " #name "\nep_body " #name ", " constants "\n.endif\n")

#endif
