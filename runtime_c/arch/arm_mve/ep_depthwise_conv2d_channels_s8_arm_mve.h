/* SPDX-License-Identifier: Apache-2.0 */
/* int8 depthwise convolution of 3x3 kernels: sixteen channels at a time, a lane for each. */
#ifndef EP_DEPTHWISE_CONV2D_CHANNELS_S8_ARM_MVE_H
#define EP_DEPTHWISE_CONV2D_CHANNELS_S8_ARM_MVE_H

#include "ep_axis_arm_mve.h"

/* Lines are rows and their pixels lie along the columns, or the other way round. */
typedef struct {
    ep_axis lines;
    ep_axis pixels;
    int32_t channels;
    int32_t x_zero; /* what lies in the padding */
    int32_t block;  /* output pixels of a line whose windows are held at once */
} ep_depthwise_conv2d_channels_s8_arm_mve_params;

/* As ep_depthwise_conv2d_s8 of one output channel an input channel without dilation, bit for bit, where saturation
 * is the clamp: act_min = y_zero = -128, act_max = 127. pixels.stride is 1 (strided: 2).
 *
 * w     int8 [(channels + 15) / 16][3 of lines][3 of pixels][16]; see ep_depthwise_channels_arm_mve, as for
 * table [(channels + 15) / 16][36]; the input's zero point is folded into the bias
 * x     int8 [in_h][in_w][channels]
 * held  scratch, int8 [3][(block - 1) * pixels.stride + 3][16]
 * y     int8 [out_h][out_w][channels]; may lie over x where all pixels of a line are computed at
 *       once, and no line is read after it was written */
void ep_depthwise_conv2d_channels_s8_arm_mve(
    const ep_depthwise_conv2d_channels_s8_arm_mve_params *p, const int8_t *w, const int32_t *table,
    const int8_t *x, void *held, int8_t *y);
void ep_depthwise_conv2d_channels_strided_s8_arm_mve(
    const ep_depthwise_conv2d_channels_s8_arm_mve_params *p, const int8_t *w, const int32_t *table,
    const int8_t *x, void *held, int8_t *y);

#endif
