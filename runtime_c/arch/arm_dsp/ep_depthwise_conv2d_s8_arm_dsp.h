/* SPDX-License-Identifier: Apache-2.0 */
/* int8 depthwise convolution: a band of rows of four channels is widened into planes, border included,
 * then each channel is run over its plane. Kernels of up to three rows of one or three columns, and of a row
 * of five, with column strides of 1 or 2 hold their taps in registers (EP_ARM_DSP_DEPTHWISE), others in the
 * frame (EP_ARM_DSP_DEPTHWISE_ANY). */
#ifndef EP_DEPTHWISE_CONV2D_S8_ARM_DSP_H
#define EP_DEPTHWISE_CONV2D_S8_ARM_DSP_H

#include "ep_arm_dsp_depthwise_any.h"
#include "ep_arm_dsp_depthwise_dual.h"
#include "ep_arm_dsp_once.h"

/* In the order in which the code reads it. */
typedef struct {
    const uint32_t *plane; /* first input row of the first channel; moves from one channel to the next */
    int32_t rows;          /* output rows */
    int32_t twice_zero;    /* 2 * output zero point + 1 */
    int32_t step;          /* bytes from one channel's plane to the next */
    int32_t channels;      /* left, at least 1 */
} ep_arm_dsp_band;

/* Neighbouring channels of a band, one after the other.
 * w      int8 [channels][kernel_h][kernel_w]
 * table  {bias, multiplier, shift - 1} of each
 * y      first output of the first channel */
typedef void ep_arm_dsp_depthwise(ep_arm_dsp_band *band, const int8_t *w, const int32_t *table, int8_t *y);

typedef struct {
    int16_t in_h;
    int16_t in_w;
    int16_t in_c;
    int16_t out_h;
    int16_t filters;    /* output channels; those of further pixels beside each other share them */
    int8_t multiplier;  /* output channels of one input channel */
    int8_t pad_top;
    int8_t pad_left;
    int8_t stride_h;
    int8_t zero;        /* input zero point: the value of the border */
    int8_t y_zero;      /* output zero point */
    int16_t taps;       /* of the kernel */
    int16_t band_rows;  /* output rows of a band, */
    int16_t band_in;    /* and input rows of it */
    int16_t pitch;      /* int16 of a row of a plane, even */
    int32_t x_step;     /* bytes from one pixel of a row to the next, */
    int32_t x_row;      /* and from one row to the next, */
    int32_t y_row;      /* the same of the output */
    ep_arm_dsp_depthwise *run;
} ep_depthwise_conv2d_s8_arm_dsp_params;

/* As ep_depthwise_conv2d_s8, bit for bit. The columns of an image may be taken for rows, rows or columns that no
 * window reads be left out, and so many pixels beside each other as columns are dilated by be taken for one of all
 * their channels, which leaves none of the dilation: sizes, taps and steps say so.
 *
 * w        int8 [filters][kernel_h][kernel_w]
 * table    int32 [filters][3]
 * x        int8 [in_h][in_w][in_c]
 * scratch  int16 [in_c, 4 at the most][band_in][pitch]
 * y        int8 [out_h][out_w][out_c] */
void ep_depthwise_conv2d_s8_arm_dsp(const ep_depthwise_conv2d_s8_arm_dsp_params *p, const int8_t *w,
                                    const int32_t *table, const int8_t *x, void *scratch, int8_t *y);

/* Registers: r0 plane, lr output, r1 bias, r2 shift and, in the bytes that shifts leave out, counts of rows and
 * rounds, r3 to r8 the taps (w0 w1), (w1 w2) ... of each row, of one
 * column w0; r9 r10 sums of two neighbouring outputs, r11 r12 activations. Up to four registers of taps leave
 * r7 and r8 to multiplier and rounding constant. Weights and bias are doubled, so that the sums are 2a
 * (ep_arm_dsp_tile.h has the arithmetic). */
__asm__(
    EP_ONCE("DEPTHWISE_1")
    ".syntax unified\n"
    /* The taps in low and behind it, which is loaded into high. */
    ".macro ep_dw_tap at, pair, low, high\n"
    " ldrsb \\high, [r1, #\\at]\n"
    " pkhbt \\pair, \\low, \\high, lsl #16\n"
    " sadd16 \\pair, \\pair, \\pair\n"
    ".endm\n"
    /* Those of a kernel row from the byte `at` on, of kw columns. */
    ".macro ep_dw_taps kw, at, p, q, r, s\n"
    " .if \\kw == 1\n"
    " ldrsb \\p, [r1, #\\at]\n"
    " lsls \\p, \\p, #1\n"
    " .else\n"
    " ldrsb r9, [r1, #\\at]\n"
    " ep_dw_tap \\at+1, \\p, r9, r10\n"
    " ep_dw_tap \\at+2, \\q, r10, r9\n"
    " .if \\kw == 5\n"
    " ep_dw_tap \\at+3, \\r, r9, r10\n"
    " ep_dw_tap \\at+4, \\s, r10, r9\n"
    " .endif\n"
    " .endif\n"
    ".endm\n"
    /* One kernel row for two outputs (one: single); the words at `at` bytes from r0. */
    ".macro ep_dw_row kw, at, sum0, sum1, sx, single, p, q, r, s\n"
    " .if \\kw == 1\n"
    " ldr r11, [r0, #\\at]\n"
    " smlabb r9, r11, \\p, \\sum0\n"
    " .if \\single == 0\n"
    " smlatb r10, r11, \\p, \\sum1\n"
    " .endif\n"
    " .else\n"
    " ldrd r11, r12, [r0, #\\at]\n"
    " smlad r9, r11, \\p, \\sum0\n"
    " .if \\single == 0 && \\sx == 1\n"
    " smlatb r10, r11, \\p, \\sum1\n"
    " .endif\n"
    " .if \\kw == 3\n"
    " smlabt r9, r12, \\q, r9\n"
    " .else\n"
    " smlad r9, r12, \\r, r9\n"
    " .endif\n"
    " .if \\kw == 5 || (\\single == 0 && \\sx == 2)\n"
    " ldr r11, [r0, #\\at + 8]\n"
    " .endif\n"
    " .if \\single == 0 && \\sx == 1\n"
    " smlad r10, r12, \\q, r10\n"
    " .elseif \\single == 0\n"
    " smlad r10, r12, \\p, \\sum1\n"
    " .endif\n"
    " .if \\kw == 5\n"
    " smlabt r9, r11, \\s, r9\n"
    " .endif\n"
    " .if \\single == 0\n"
    " .if \\sx == 2 && \\kw == 3\n"
    " smlabt r10, r11, \\q, r10\n"
    " .elseif \\sx == 2\n"
    " ldr r12, [r0, #\\at + 12]\n"
    " smlad r10, r11, \\r, r10\n"
    " smlabt r10, r12, \\s, r10\n"
    " .elseif \\kw == 5\n"
    " smlad r10, r11, \\s, r10\n"
    " .endif\n"
    " .endif\n"
    " .endif\n"
    ".endm\n"
    ".macro ep_dw_rows kh, kw, x, pitch, sx, single\n"
    " .if \\kw == 1\n"
    " ep_dw_row 1, \\x, r1, r1, \\sx, \\single, r3\n"
    " .if \\kh > 1\n"
    " ep_dw_row 1, \\x+\\pitch, r9, r10, \\sx, \\single, r4\n"
    " .endif\n"
    " .if \\kh > 2\n"
    " ep_dw_row 1, \\x+2*\\pitch, r9, r10, \\sx, \\single, r5\n"
    " .endif\n"
    " .else\n"
    " ep_dw_row \\kw, \\x, r1, r1, \\sx, \\single, r3, r4, r5, r6\n"
    " .if \\kh > 1\n"
    " ep_dw_row \\kw, \\x+\\pitch, r9, r10, \\sx, \\single, r5, r6\n"
    " .endif\n"
    " .if \\kh > 2\n"
    " ep_dw_row \\kw, \\x+2*\\pitch, r9, r10, \\sx, \\single, r7, r8\n"
    " .endif\n"
    " .endif\n"
    ".endm\n"
    /* Around the code of a channel: keeps band, weights, table and output, at `at` bytes from sp, and then moves
     * all to the next channel, of `taps` weights, until none is left. */
    ".macro ep_dw_channels at\n"
    " add r12, sp, #\\at\n"
    " stm r12, {r0-r3}\n"
    "9:\n"
    ".endm\n"
    ".macro ep_dw_next at, taps\n"
    " add r12, sp, #\\at\n"
    " ldm r12, {r0-r3}\n"
    " ldr r4, [r0]\n"
    " ldr r5, [r0, #12]\n"
    " ldr r6, [r0, #16]\n"
    " add r1, r1, #\\taps\n"
    " add r2, r2, #12\n"
    " add r3, r3, #1\n"
    " stm r12, {r0-r3}\n"
    " add r4, r4, r5\n"
    " str r4, [r0]\n"
    " subs r6, r6, #1\n"
    " str r6, [r0, #16]\n"
    " bne.w 9b\n"
    ".endm\n"
    /* An output from what was multiplied: shifted, within its limits, at `at` bytes from lr. */
    ".macro ep_dw_store sum, shift, at, lo, hi\n"
    " asr \\sum, \\sum, \\shift\n"
    " .if \\lo == -128 || \\hi == 127\n"
    " ssat \\sum, #8, \\sum\n"
    " .endif\n"
    " ep_clamp \\sum, \\lo, \\hi\n"
    " strb \\sum, [lr, #\\at]\n"
    ".endm\n"
    /* held: multiplier and rounding constant are in r7 and r8; else in r11 and r12, loaded where `again`. */
    ".macro ep_dw_output sum, at, mode, lo, hi, held, again\n"
    " .if \\held\n"
    " .if \\mode == 0\n"
    " add r12, r8, \\sum, asr #31\n"
    " smmlar \\sum, \\sum, r7, r12\n"
    " .else\n"
    " smmlar \\sum, \\sum, r7, r8\n"
    " .endif\n"
    " .else\n"
    " .if \\again\n"
    " ldrd r11, r12, [sp]\n"
    " .endif\n"
    " .if \\mode == 0\n"
    " add r12, r12, \\sum, asr #31\n"
    " .endif\n"
    " smmlar \\sum, \\sum, r11, r12\n"
    " .endif\n"
    " ep_dw_store \\sum, r2, \\at, \\lo, \\hi\n"
    ".endm\n"
    /* `count` pairs of outputs, and one more where `single`; moves r0 and lr behind them. */
    ".macro ep_dw_outputs kh, kw, count, single, sx, pitch, c, mode, dual, lo, hi\n"
    " .set EP_x, 0\n"
    " .set EP_y, 0\n"
    " .set EP_twice, 1 - (\\mode + 1) / 2\n"
    " .if \\dual && \\count\n"
    " ep_dw_dual \\count, \\pitch, \\c, \\lo, \\hi\n"
    " .else\n"
    " .rept \\count\n"
    " ep_dw_rows \\kh, \\kw, EP_x, \\pitch, \\sx, 0\n"
    " ep_dw_output r9, EP_y, \\mode, \\lo, \\hi, \\kh*\\kw<7, 1\n"
    " ep_dw_output r10, EP_y+\\c, \\mode, \\lo, \\hi, \\kh*\\kw<7, EP_twice\n"
    " .set EP_x, EP_x + 4 * \\sx\n"
    " .set EP_y, EP_y + 2 * \\c\n"
    " .endr\n"
    " .endif\n"
    " .if \\single\n"
    " ep_dw_rows \\kh, \\kw, EP_x, \\pitch, \\sx, 1\n"
    " ep_dw_output r9, EP_y, \\mode, \\lo, \\hi, \\kh*\\kw<7, 1\n"
    " .set EP_y, EP_y + \\c\n"
    " .endif\n"
    ".endm\n"
    EP_ONCE_END);

/* kh times kw: 1 to 3 times 1, 1 to 3 times 3, or 1 times 5, its rows `pitch` bytes apart in the plane.
 * rounds of `pairs` pairs of outputs, then `rest` pairs and, where `single`, one; sx column stride, 1 where kw is;
 * step: bytes from one output row's input to the next; c: bytes from one
 * output to the next, back: from behind the last one of a row back to the first of the next, below 2^16; dual: as
 * ep_arm_dsp_depthwise_dual.h has it, 3 times 3 with sx 1, modes but 0.
 * Frame: 0 multiplier, 4 rounding constant, 8 what ep_dw_channels keeps. rounds is 255 at the most. */
__asm__(
    EP_ONCE("DEPTHWISE_2")
    ".macro ep_depthwise name, kh, kw, pairs, rounds, rest, single, sx, pitch, step, c, back, mode, dual, lo, hi\n"
    EP_ASM_BEGIN
    " push {r4-r11, lr}\n"
    " sub sp, sp, #28\n"
    " ep_dw_channels 8\n"
    " mov lr, r3\n"
    " .if \\kw == 1\n"
    " ep_dw_taps 1, 0, r3\n"
    " .if \\kh > 1\n"
    " ep_dw_taps 1, 1, r4\n"
    " .endif\n"
    " .if \\kh > 2\n"
    " ep_dw_taps 1, 2, r5\n"
    " .endif\n"
    " .else\n"
    " ep_dw_taps \\kw, 0, r3, r4, r5, r6\n"
    " .if \\kh > 1\n"
    " ep_dw_taps 3, 3, r5, r6\n"
    " .endif\n"
    " .if \\kh > 2\n"
    " ep_dw_taps 3, 6, r7, r8\n"
    " .endif\n"
    " .endif\n"
    " ldm r2, {r9, r10, r11}\n"
    " ldm r0, {r0, r1, r12}\n"
    " lsl r12, r12, r11\n"
    " .if \\kh * \\kw < 7\n"
    " mov r7, r10\n"
    " mov r8, r12\n"
    " .else\n"
    " strd r10, r12, [sp]\n"
    " .endif\n"
    " add r2, r11, r1, lsl #8\n"
    " sub r2, r2, #255\n" /* the last bit of the shift, and one row less */
    " lsl r1, r9, #1\n"
    "1:\n"
    " .if \\rounds > 1\n"
    " sub r2, r2, #\\rounds << 24\n" /* modulo 2^8: the round that ends at 0 carries */
    "2:\n"
    " .endif\n"
    " .if \\rounds\n"
    " ep_dw_outputs \\kh, \\kw, \\pairs, 0, \\sx, \\pitch, \\c, \\mode, \\dual, \\lo, \\hi\n"
    " add r0, r0, #EP_x\n"
    " add lr, lr, #EP_y\n"
    " .if \\rounds > 1\n"
    " adds r2, r2, #1 << 24\n"
    " bcc.w 2b\n"
    " .endif\n"
    " .endif\n"
    " .set EP_back, \\back\n"
    " .if \\rest + \\single\n"
    " ep_dw_outputs \\kh, \\kw, \\rest, \\single, \\sx, \\pitch, \\c, \\mode, \\dual, \\lo, \\hi\n"
    " .set EP_back, EP_back - EP_y\n"
    " .endif\n"
    " .if EP_back < 0\n"
    " addw lr, lr, #-EP_back\n"
    " .else\n"
    " .if EP_back / 4096\n"
    " sub lr, lr, #EP_back / 4096 * 4096\n"
    " .endif\n"
    " .if EP_back % 4096\n"
    " subw lr, lr, #EP_back % 4096\n"
    " .endif\n"
    " .endif\n"
    " add r0, r0, #\\step - \\rounds * \\pairs * 4 * \\sx\n"
    " subs r2, r2, #1 << 8\n"
    " bcs.w 1b\n"
    " .set EP_back, 0\n"
    " ep_dw_next 8, \\kh*\\kw\n"
    " add sp, sp, #28\n"
    " pop {r4-r11, pc}\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

#define EP_ARM_DSP_DEPTHWISE_ANY(name, constants) \
    ep_arm_dsp_depthwise name;                    \
    __asm__(".syntax unified\n.ifndef " #name "\nep_depthwise_any " #name ", " constants "\n.endif\n")

#define EP_ARM_DSP_DEPTHWISE(name, constants) \
    ep_arm_dsp_depthwise name;                \
    __asm__(".syntax unified\n.ifndef " #name "\nep_depthwise " #name ", " constants "\n.endif\n")

#endif
