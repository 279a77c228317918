/* SPDX-License-Identifier: Apache-2.0 */
/* A line of output pixels of an int8 depthwise convolution, sixteen channels at a time, in assembly. */
#ifndef EP_DEPTHWISE_CHANNELS_ARM_MVE_H
#define EP_DEPTHWISE_CHANNELS_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    const int8_t *rows[3]; /* of the window of the first pixel; places are 16 bytes apart */
    const int8_t *w;       /* [3][3][16], no two of a channel below -127 */
    /* biases [4][4], multipliers [4][4], shifts, int8 [4][4], which are 0 or negative: of channels 0 4 8 12,
     * then 2 6 10 14, 1 5 9 13, 3 7 11 15 */
    const int32_t *table;
    int8_t *y;
    int32_t y_step;   /* from one pixel to the next */
    int32_t pixels;   /* at least 1 */
    int32_t channels; /* that are stored, 1 to 16 */
} ep_depthwise_channels;

/* Windows of 3x3 places that are one place apart (strided: two). Saturation is the clamp, and the zero point of
 * the result is -128. */
void ep_depthwise_channels_arm_mve(const ep_depthwise_channels *p);
void ep_depthwise_channels_strided_arm_mve(const ep_depthwise_channels *p);

#endif
