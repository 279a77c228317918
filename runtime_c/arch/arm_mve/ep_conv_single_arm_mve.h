/* SPDX-License-Identifier: Apache-2.0 */
/* One channel of four pixels at a time, in assembly: what blocks of channels leave over. */
#ifndef EP_CONV_SINGLE_ARM_MVE_H
#define EP_CONV_SINGLE_ARM_MVE_H

#include "ep_conv_line_arm_mve.h"

/* The assembly knows the order of these. */
typedef struct {
    const int8_t *w;
    int32_t fours; /* of pixels, at least 1 */
    int32_t y_step;
    const int32_t *table;     /* bias, multiplier, shift, which is 0 or negative */
    const ep_conv_line *line; /* of which the zero point and the clamp are read */
    const int8_t *x;
    int8_t *y;
    int32_t x_step; /* from one pixel to the next */
    int32_t in_len;
} ep_conv_single;

/* As ep_conv_line_arm_mve.h has them: w int8 [in_len]; y one byte a pixel. */
void ep_conv_single_arm_mve(const ep_conv_single *p);

#endif
