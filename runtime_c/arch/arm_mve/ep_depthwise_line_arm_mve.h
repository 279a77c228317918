/* SPDX-License-Identifier: Apache-2.0 */
/* A line of output pixels of an int8 depthwise convolution, in assembly. */
#ifndef EP_DEPTHWISE_LINE_ARM_MVE_H
#define EP_DEPTHWISE_LINE_ARM_MVE_H

#include "ep_common.h"

/* Patches (what a pixel reads of a channel) lie in planes, a plane for each channel. The assembly
 * knows the order of these. */
typedef struct {
    const int8_t *plane; /* of the first channel, at the patch of the first pixel */
    const int8_t *w;
    int8_t *y;
    int32_t pixels;
    int32_t x_step; /* from one patch (pairs: from one pair) to the next */
    int32_t back;   /* 16 - 8 * x_step */
    int32_t onward; /* 8 * x_step - 16 * vectors of a patch */
    int32_t y_zero;
    int32_t y_step8; /* 8 * y_step */
    int32_t plane_step; /* from one channel to the next */
    int32_t w_step;
    int32_t y_channel;
    int32_t table_step;
    const int32_t *table_end;
    const int8_t *order; /* the weight that meets each lane of a vector, -1: none */
    const int8_t *order_end;
    const int32_t *table; /* bias, multiplier, shift; shifts are negative */
    int32_t y_step;
    int32_t act_min;
    int32_t act_max;
} ep_depthwise_line;

/* order is [vectors of a patch][16]. Up to 7 patches and 15 bytes behind the last are read. */
void ep_depthwise_line_arm_mve(const ep_depthwise_line *p);
/* A patch and the next one lie in the same 16 bytes. order is [2][16]: of the first, of the next. */
void ep_depthwise_line_pairs_arm_mve(const ep_depthwise_line *p);
/* The same where patches are 3 bytes apart (strided: 6), and saturation is the clamp: y_zero = act_min = -128,
 * act_max = 127. */
void ep_depthwise_three_arm_mve(const ep_depthwise_line *p);
void ep_depthwise_three_strided_arm_mve(const ep_depthwise_line *p);

#endif
