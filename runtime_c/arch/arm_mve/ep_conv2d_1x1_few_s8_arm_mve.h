/* SPDX-License-Identifier: Apache-2.0 */
/* int8 convolution with a 1x1 kernel of few inputs, no padding and a stride of 1, in assembly. */
#ifndef EP_CONV2D_1X1_FEW_S8_ARM_MVE_H
#define EP_CONV2D_1X1_FEW_S8_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    int32_t in_c;   /* 1 to 16 (few8: 8) */
    int32_t pixels; /* of the input, and of the output */
    int32_t out_c;  /* 4 * blocks */
    int32_t blocks;
    int32_t y_zero; /* relu: -128, and the least result */
} ep_conv2d_1x1_few_s8_arm_mve_params;

/* As ep_conv2d_s8, bit for bit, where saturation is the clamp, and every shift is negative (relu: or 0).
 *
 * w     int8 [out_c][16] (few8: [out_c][8]), with anything behind the weights of a channel; few8: 8 bytes
 *       behind the last may be read
 * table for each block of four channels: bias and multiplier of the first two, shifts, int8 [4], bias and
 *       multiplier of the others. The input's zero point is folded into the bias
 * x     int8 [pixels][in_c]
 * y     int8 [pixels][out_c]; may lie over x where the order of pixels allows it */
void ep_conv2d_1x1_few8_s8_arm_mve(const ep_conv2d_1x1_few_s8_arm_mve_params *p, const int8_t *w,
                                   const int32_t *table, const int8_t *x, int8_t *y);
void ep_conv2d_1x1_few8_relu_s8_arm_mve(const ep_conv2d_1x1_few_s8_arm_mve_params *p, const int8_t *w,
                                        const int32_t *table, const int8_t *x, int8_t *y);
void ep_conv2d_1x1_few16_s8_arm_mve(const ep_conv2d_1x1_few_s8_arm_mve_params *p, const int8_t *w,
                                    const int32_t *table, const int8_t *x, int8_t *y);
void ep_conv2d_1x1_few16_relu_s8_arm_mve(const ep_conv2d_1x1_few_s8_arm_mve_params *p, const int8_t *w,
                                         const int32_t *table, const int8_t *x, int8_t *y);

#endif
