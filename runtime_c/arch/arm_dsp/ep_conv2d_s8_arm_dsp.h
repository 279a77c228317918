/* SPDX-License-Identifier: Apache-2.0 */
/* int8 convolution of any kernel size, stride, padding, dilation and number of groups: input rows are widened once into a
 * ring of rows in scratch, border included, and read by the tiles of ep_arm_dsp_tile.h. */
#ifndef EP_CONV2D_S8_ARM_DSP_H
#define EP_CONV2D_S8_ARM_DSP_H

#include "ep_arm_dsp_tile.h"

typedef struct {
    int16_t in_h;
    int16_t in_w;
    int16_t in_c; /* of all groups */
    int16_t out_h;
    int16_t out_w;
    int16_t out_c; /* of all groups */
    int16_t pitch; /* bytes from one output pixel to the next, out_c or more */
    int16_t groups;
    int16_t kernel_h;
    int16_t stride_h;
    int16_t stride_w;
    int16_t dilation_h;
    int16_t dilation_w;
    int16_t pad_top;
    int16_t pad_left;
    int16_t zero;         /* input zero point: the value of the border */
    int16_t phases;       /* stride_w / gcd(stride_w, dilation_w): which pixels share a plane */
    int16_t phase_words;  /* pixels of one phase of a row that outputs read */
    int32_t pair_bytes;   /* weights of one pair of output channels */
    int16_t mirrored;     /* the ring is there twice, so that rows are always contiguous */
    int16_t twice_zero;   /* 2 * output zero point + 1 */
    int16_t ahead;          /* bytes by which the tiles of 4 pixels read ahead */
    ep_arm_dsp_tile tile;   /* 4 pixels, pairs of channels */
    ep_arm_dsp_tile tail;   /* the last out_w % 4 pixels */
    ep_arm_dsp_tile solo;   /* the same for an odd last channel */
    ep_arm_dsp_tile solo_tail;
} ep_conv2d_s8_arm_dsp_params;

/* As ep_conv2d_s8, bit for bit.
 *
 * x        int8 [in_h][in_w][in_c]
 * w        packed by the compiler: by group, pairs of output channels, then rows, planes and taps
 * table    by group, per pair, see ep_arm_dsp_tile.h; after the pairs the odd last channel
 * scratch  uint32 [kernel_h][(in_c / groups + 1) / 2][phases][phase_words], mirrored: twice
 * y        int8 [out_h][out_w][out_c], pixels pitch apart */
void ep_conv2d_s8_arm_dsp(const ep_conv2d_s8_arm_dsp_params *p, const void *w, const int32_t *table,
                          const int8_t *x, void *scratch, int8_t *y);

#endif
