/* SPDX-License-Identifier: Apache-2.0 */
/* A line of output pixels of an int8 convolution: what the Helium convolutions are made of. */
#ifndef EP_CONV_LINE_ARM_MVE_H
#define EP_CONV_LINE_ARM_MVE_H

#include "ep_common.h"

typedef struct {
    int32_t in_len; /* inputs of a pixel, which lie side by side */
    int32_t out_c;
    int32_t y_zero;
    int32_t act_min;
    int32_t act_max;
    int32_t relu; /* act_min = y_zero = -128 and act_max = 127: saturation is the clamp */
} ep_conv_line;

/* y[i][o] = clamp(rescale(bias[o] + sum_k x[i * x_step + k] * w[o][k]) + y_zero), rounded twice.
 * Every shift is 0 or negative.
 *
 * w      int8, in blocks of 4 channels: [in_len / 16][4][16], then [4][in_len % 16]; channels that
 *        are left over one by one; 15 bytes behind the last may be read
 * table  for each block: bias [4], multipliers [4], shifts, int8 [4]. For each channel that is left
 *        over: bias, multiplier, shift. The input's zero point is folded into the bias
 * x      int8, pixels x_step bytes apart
 * y      int8 [out_c], pixels y_step bytes apart */
void ep_conv_line_arm_mve(const ep_conv_line *p, const int8_t *w, const int32_t *table,
                          const int8_t *x, int32_t x_step, int32_t pixels, int8_t *y,
                          int32_t y_step);

/* The inner loops, in assembly, which knows the order of these. */
typedef struct {
    const int8_t *x0; /* the first pixel of a pair */
    const int8_t *x1; /* the second */
    int32_t rounds;   /* 4 * (in_len / 32), less 1 if sixteen more follow, less 2 if a tail does */
    int32_t y_zero;
    int32_t y_step;           /* from the first pixel of a pair to the second */
    const int32_t *table_end; /* behind the last block */
    int32_t spare;
    int32_t tail;     /* in_len % 16 */
    int32_t pairs;
    int32_t x_step; /* from one pair to the next */
    int32_t y_skip; /* from the end of the first pixel's blocks to the next pair */
    const int8_t *w;
    const int32_t *table;
    int8_t *y;
    int32_t spare2;
    int32_t spare3;
    int32_t act_min;
    int32_t act_max;
} ep_conv_pairs;

/* All blocks of 4 channels of pairs of pixels; at least one of each. */
void ep_conv_pairs_arm_mve(const ep_conv_pairs *p);
void ep_conv_pairs_relu_arm_mve(const ep_conv_pairs *p);

#endif
