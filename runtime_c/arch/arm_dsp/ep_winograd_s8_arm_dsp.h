/* SPDX-License-Identifier: Apache-2.0 */
/* int8 convolution with a 3x3 kernel and strides of 1 by Winograd's F(2x2, 3x3), exact: 16 multiplications
 * for four outputs instead of 36 ("Fast Algorithms for Convolutional Neural Networks", Lavin and Gray, 2016,
 * equations 8 and 11). With
 *
 *     G = 1 0 0    B' = 2 0 -2  0    A' = 1 1  1  0
 *         1 1 1         0 1  1  0         0 1 -1 -1
 *         1-1 1         0-1  1  0
 *         0 0 1         0 2  0 -2
 *
 * A' [(G g G') * (B' d B)] A is four times the convolution of a 4x4 tile d with the filter g: the halves of
 * the paper's G are left out, and what that lacks in the first and last row is in B. All are integers:
 * |G g G'| <= 9 * 127 and |B' d B| <= 16 * 128 are int16, and sums are right modulo 2^32.
 *
 * Rows of tiles are taken in bands. Their input is transformed once; the filters are for each two output channels
 * of a band, or once for all where they are few, into working memory, so that flash holds the weights as they are. */
#ifndef EP_WINOGRAD_S8_ARM_DSP_H
#define EP_WINOGRAD_S8_ARM_DSP_H

#include "ep_arm_dsp_once.h"
#include "ep_winograd_finish_arm_dsp.h"

/* Tiles whose sums are there at once: what adds up and what ends a tile take turns so seldom that an instruction
 * cache has either once. */
#define EP_WINOGRAD_RUN 16

/* Sums of four tiles times two channels (A B), for each of the 16 positions of a tile.
 * u  uint32 [16][pairs][2], pairs of input channels: filters A and B
 * v  uint32 [16][pairs][tiles], the first of four tiles
 * m  int32 [16][EP_WINOGRAD_RUN][2], the first of four tiles */
typedef void ep_winograd_block(const uint32_t *u, const uint32_t *v, int32_t *m);

/* Filters of two output channels, in u as the sums want them.
 * w  packed weights of these channels, `pairs` pairs of input channels */
typedef void ep_winograd_filters(const int32_t *w, uint32_t *u, int32_t pairs);

typedef struct {
    int32_t pitch;      /* bytes from one output pixel to the next */
    int32_t next;       /* and from one row to the next */
    int32_t twice_zero; /* 2 * output zero point + 1 */
} ep_winograd_outputs;

/* Outputs of `count` tiles side by side, of two channels.
 * m      their sums
 * table  of the two channels
 * y      first output */
typedef void ep_winograd_finish(const ep_winograd_outputs *o, const int32_t *m, const int32_t *table,
                                int8_t *y, int32_t count);

typedef struct {
    int16_t in_h;
    int16_t in_w;
    int16_t in_c; /* a multiple of 4 */
    int16_t out_h;
    int16_t out_w;
    int16_t out_c; /* even */
    int16_t pitch; /* int8 from one output pixel to the next */
    int16_t pad_top;  /* 0 or 1 */
    int16_t pad_left; /* likewise */
    int16_t zero;       /* input zero point: the value of the border */
    int16_t twice_zero; /* 2 * output zero point + 1 */
    int16_t band_rows; /* rows of tiles */
    int16_t held;      /* whether the filters of all channels are there at once, transformed once for all bands */
    int16_t tiles;     /* of a band, filled up to fours */
    ep_winograd_block *block;
    ep_winograd_finish *finish;
} ep_winograd_s8_arm_dsp_params;

/* As ep_conv2d_s8, bit for bit.
 *
 * w        packed by the compiler: pairs of output channels A B, pairs of input channels c d as
 *          ep_arm_dsp_tile.h has them, taps: bytes (Ac Bc Ad Bd)
 * table    int32 [out_c][3]: four times the bias, multiplier, shift - 1; with a ReLU the shift
 * x        int8 [in_h][in_w][in_c]
 * scratch  uint32 [16][in_c / 2][tiles], filters uint32 [16][in_c / 2][2], of each two output channels where held,
 *          int32 [16][EP_WINOGRAD_RUN][2], or uint32 [columns][8] where those are more,
 *          then rows of input with their border, int8 [2 * band_rows + 2][columns][in_c];
 *          columns = (out_w + 1) / 2 * 2 + 2
 * y        int8 [out_h][out_w][pitch], the first out_c of each pixel */
void ep_winograd_s8_arm_dsp(const ep_winograd_s8_arm_dsp_params *p, const void *w, const int32_t *table,
                            const int8_t *x, void *scratch, int8_t *y);

/* Registers: r0 filters, r1 tiles, r2 r3 two filters, r12 lr two tiles, r4 r6 r8 r10 sums of A and r5 r7
 * r9 r11 of B. Loads lie side by side: each behind another takes one cycle. */
__asm__(
    EP_ONCE("WINOGRAD_1")
    ".syntax unified\n"
    /* sums: of the first step where `op` is smuad, else on top of what there is */
    ".macro ep_winograd_sum op, sum, u, v\n"
    " .ifc \\op, smuad\n"
    " smuad \\sum, \\u, \\v\n"
    " .else\n"
    " smlad \\sum, \\u, \\v, \\sum\n"
    " .endif\n"
    ".endm\n"
    ".macro ep_winograd_step at, op\n"
    " ldr r2, [r0], #4\n"
    " ldr r3, [r0], #4\n"
    " ldr r12, [r1, #\\at]\n"
    " ldr lr, [r1, #\\at + 4]\n"
    " ep_winograd_sum \\op, r4, r2, r12\n"
    " ep_winograd_sum \\op, r5, r3, r12\n"
    " ep_winograd_sum \\op, r6, r2, lr\n"
    " ep_winograd_sum \\op, r7, r3, lr\n"
    " ldr r12, [r1, #\\at + 8]\n"
    " ldr lr, [r1, #\\at + 12]\n"
    " ep_winograd_sum \\op, r8, r2, r12\n"
    " ep_winograd_sum \\op, r9, r3, r12\n"
    " ep_winograd_sum \\op, r10, r2, lr\n"
    " ep_winograd_sum \\op, r11, r3, lr\n"
    ".endm\n"
    /* for cores that begin two instructions together, as in ep_arm_dsp_tile.h */
    ".macro ep_winograd_halves\n"
    " smlad r4, r2, r12, r4\n"
    " smlad r5, r3, r12, r5\n"
    " ldr r12, [r1, #EP_at + 8]\n"
    " smlad r6, r2, lr, r6\n"
    " smlad r7, r3, lr, r7\n"
    " ldr lr, [r1, #EP_at + 12]\n"
    " smlad r8, r2, r12, r8\n"
    " smlad r9, r3, r12, r9\n"
    ".endm\n"
    ".macro ep_winograd_dual steps, tiles\n"
    " ldr r2, [r0], #4\n"
    " ldr r12, [r1]\n"
    " ldr r3, [r0], #4\n"
    " ldr lr, [r1, #4]\n"
    " .rept \\steps - 1\n"
    " ep_winograd_halves\n"
    " .set EP_at, EP_at + \\tiles * 4\n"
    " ldr r12, [r1, #EP_at]\n"
    " smlad r10, r2, lr, r10\n"
    " ldr r2, [r0], #4\n"
    " smlad r11, r3, lr, r11\n"
    " ldr r3, [r0], #4\n"
    " ldr lr, [r1, #EP_at + 4]\n"
    " .endr\n"
    " ep_winograd_halves\n"
    " smlad r10, r2, lr, r10\n"
    " smlad r11, r3, lr, r11\n"
    ".endm\n"
    /* steps: pairs of input channels in a round; a position has `rounds` rounds. Frame: 0 sums, 4 their
     * end, 8 end of the position's tiles. */
    ".macro ep_winograd name, rounds, steps, tiles, dual\n"
    EP_ASM_BEGIN
    " push {r4-r11, lr}\n"
    " sub sp, sp, #12\n"
    " add r3, r2, #2048\n"
    " strd r2, r3, [sp]\n"
    "1:\n"
    " .if \\rounds > 1\n"
    " add r3, r1, #\\rounds * \\steps * \\tiles * 4\n"
    " str r3, [sp, #8]\n"
    " .endif\n"
    " .set EP_at, 0\n"
    " .if \\rounds == 1 && \\dual == 0\n"
    " ep_winograd_step EP_at, smuad\n"
    " .else\n"
    " .irp i, 4, 5, 6, 7, 8, 9, 10, 11\n"
    " mov r\\i, #0\n"
    " .endr\n"
    "2:\n"
    " .if \\dual\n"
    " ep_winograd_dual \\steps, \\tiles\n"
    " .else\n"
    " ep_winograd_step EP_at, smlad\n"
    " .endif\n"
    " .endif\n"
    " .if \\dual == 0\n"
    " .rept \\steps - 1\n"
    " .set EP_at, EP_at + \\tiles * 4\n"
    " ep_winograd_step EP_at, smlad\n"
    " .endr\n"
    " .endif\n"
    " add r1, r1, #\\steps * \\tiles * 4\n"
    " .if \\rounds > 1\n"
    " ldr r3, [sp, #8]\n"
    " cmp r1, r3\n"
    " bne.w 2b\n"
    " .endif\n"
    " ldrd r2, r3, [sp]\n"
    " stm r2, {r4-r11}\n"
    " add r2, r2, #128\n"
    " str r2, [sp]\n"
    " cmp r2, r3\n"
    " bne.w 1b\n"
    " add sp, sp, #12\n"
    " pop {r4-r11, pc}\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

/* Filters: r0 weights, r1 filters, r2 the row of a filter that is written, r3 bytes from one of its
 * positions to the next; three words of taps in r4 to r6 and r7 to r9, and so on. Frame: 0 pairs left. */
__asm__(
    EP_ONCE("WINOGRAD_2")
    ".macro ep_winograd_taps first, a, b, c, turn\n"
    " ldr \\a, [r0, #\\first]\n"
    " ldr \\b, [r0, #\\first + 4]\n"
    " ldr \\c, [r0, #\\first + 8]\n"
    " .irp tap, \\a, \\b, \\c\n"
    " sxtb16 \\tap, \\tap, ror #\\turn\n"
    " .endr\n"
    ".endm\n"
    /* one row of G g G': a, a + b + c, a - b + c, c; thrice: three times r3 */
    ".macro ep_winograd_row to, a, b, c, thrice\n"
    " sadd16 r12, \\a, \\c\n"
    " sadd16 lr, r12, \\b\n"
    " ssub16 r12, r12, \\b\n"
    " str \\a, [\\to]\n"
    " str lr, [\\to, r3]\n"
    " str r12, [\\to, r3, lsl #1]\n"
    " str \\c, [\\to, \\thrice]\n"
    ".endm\n"
    ".macro ep_winograd_filter turn\n"
    " ep_winograd_taps 0, r4, r5, r6, \\turn\n"
    " add r10, r3, r3, lsl #1\n"
    " add r2, r1, r10, lsl #2\n"
    " ep_winograd_row r1, r4, r5, r6, r10\n"
    " ep_winograd_taps 24, r7, r8, r9, \\turn\n"
    " ep_winograd_row r2, r7, r8, r9, r10\n"
    " sadd16 r4, r4, r7\n"
    " sadd16 r5, r5, r8\n"
    " sadd16 r6, r6, r9\n"
    " ep_winograd_taps 12, r7, r8, r9, \\turn\n"
    " sadd16 r10, r4, r7\n"
    " ssub16 r7, r4, r7\n"
    " sadd16 r11, r5, r8\n"
    " ssub16 r8, r5, r8\n"
    " sadd16 r4, r6, r9\n"
    " ssub16 r9, r6, r9\n"
    " add r2, r1, r3, lsl #2\n"
    " add r5, r3, r3, lsl #1\n"
    " ep_winograd_row r2, r10, r11, r4, r5\n"
    " add r2, r2, r3, lsl #2\n"
    " add r1, r1, #4\n"
    " ep_winograd_row r2, r7, r8, r9, r5\n"
    ".endm\n"
    ".macro ep_winograd_filters name\n"
    EP_ASM_BEGIN
    " push {r2, r4-r11, lr}\n"
    " lsl r3, r2, #3\n"
    "1:\n"
    " ep_winograd_filter 0\n"
    " ep_winograd_filter 8\n"
    " ldr r2, [sp]\n"
    " add r0, r0, #36\n"
    " subs r2, r2, #1\n"
    " str r2, [sp]\n"
    " bne.w 1b\n"
    " pop {r2, r4-r11, pc}\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

#define EP_ARM_DSP_WINOGRAD(name, constants) \
    ep_winograd_block name;                  \
    __asm__(".syntax unified\n.ifndef " #name "\nep_winograd " #name ", " constants "\n.endif\n")

#define EP_ARM_DSP_WINOGRAD_FINISH(name, constants) \
    ep_winograd_finish name;                        \
    __asm__(".syntax unified\n.ifndef " #name "\nep_winograd_finish " #name ", " constants "\n.endif\n")

#endif
