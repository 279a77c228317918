/* SPDX-License-Identifier: Apache-2.0 */
/* int8 convolution of any shape, four output pixels at a time: the input that they need is widened into
 * a strip in scratch. Best for 1x1 kernels and for narrow images; of the least code. */
#ifndef EP_CONV2D_STRIP_S8_ARM_DSP_H
#define EP_CONV2D_STRIP_S8_ARM_DSP_H

#include "ep_arm_dsp_tile.h"

typedef struct ep_conv2d_strip_s8_arm_dsp_params {
    int16_t in_h;
    int16_t in_w;
    int16_t in_c;
    int16_t out_h;
    int16_t out_w;
    int16_t out_c;
    int16_t pitch; /* bytes from one output pixel to the next, out_c or, without spill, more */
    int16_t kernel_h;
    int16_t kernel_w;
    int16_t stride_h;
    int16_t stride_w;
    int16_t dilation_h;
    int16_t dilation_w;
    int16_t pad_top;
    int16_t pad_left;
    int16_t zero;       /* input zero point: the value of the border */
    int16_t last_left;  /* the last column from which a kernel row is contiguous inside; else -1 */
    int16_t spill;      /* no tile for less than 4 pixels: four are made in scratch, and copied */
    int32_t strip_bytes;
    int32_t pair_bytes; /* weights of one pair of output channels */
    int16_t twice_zero; /* 2 * output zero point + 1 */
    int16_t ahead;          /* bytes by which the tiles of 4 pixels read ahead */
    ep_arm_dsp_tile tile;   /* 4 pixels, pairs of channels */
    ep_arm_dsp_tile tail;   /* the last out_h * out_w % 4 pixels */
    ep_arm_dsp_tile solo;   /* the same for an odd last channel */
    ep_arm_dsp_tile solo_tail;
} ep_conv2d_strip_s8_arm_dsp_params;

/* As ep_conv2d_s8, bit for bit.
 *
 * x        int8 [in_h][in_w][in_c]
 * w        packed by the compiler: pairs of output channels, then rows and steps
 * table    per pair, see ep_arm_dsp_tile; after the pairs the odd last channel
 * scratch  uint32 [kernel_h][(kernel_w * in_c + 1) / 2][4], or more for a whole number of rounds of the
 *          loop (their weights are zero): strip_bytes; then int8 [4][kernel_w * in_c] for the border,
 *          then int8 [4][out_c] for what is spilt
 * y        int8 [out_h][out_w][out_c], pixels pitch apart; may lie over x where nothing is read after it was written */
void ep_conv2d_strip_s8_arm_dsp(const ep_conv2d_strip_s8_arm_dsp_params *p, const void *w,
                                const int32_t *table, const int8_t *x, void *scratch, int8_t *y);

#endif
