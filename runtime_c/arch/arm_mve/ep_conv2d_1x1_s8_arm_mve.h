/* SPDX-License-Identifier: Apache-2.0 */
/* int8 convolution with a 1x1 kernel and no padding: pixels are read where they lie. */
#ifndef EP_CONV2D_1X1_S8_ARM_MVE_H
#define EP_CONV2D_1X1_S8_ARM_MVE_H

#include "ep_conv_line_arm_mve.h"

typedef struct {
    ep_conv_line line;
    int32_t lines;
    int32_t pixels;    /* of a line of the output */
    int32_t line_step; /* bytes of the input from one line to the next */
    int32_t x_step;    /* and from one pixel to the next */
    int32_t y_step;    /* the same of the output, out_c or more */
} ep_conv2d_1x1_s8_arm_mve_params;

/* As ep_conv2d_s8, bit for bit. w and table: see ep_conv_line_arm_mve.
 *
 * x int8 [in_h][in_w][in_c]
 * y int8 [lines][pixels][out_c], pixels y_step apart; may lie over x where out_c is a
 *   multiple of 4 and the input of two pixels more is free than the order of pixels asks for */
void ep_conv2d_1x1_s8_arm_mve(const ep_conv2d_1x1_s8_arm_mve_params *p, const int8_t *w,
                              const int32_t *table, const int8_t *x, int8_t *y);

typedef struct {
    ep_conv_line line;
    int32_t pixels; /* of the input, and of the output */
    int32_t block;  /* that are copied at once */
} ep_conv2d_1x1_copied_s8_arm_mve_params;

/* The same of stride 1, from a copy of some pixels at a time.
 *
 * x       int8 [pixels][in_c]
 * scratch int8 [block][in_c]
 * y       int8 [pixels][out_c]; may lie over x where the order of pixels allows it */
void ep_conv2d_1x1_copied_s8_arm_mve(const ep_conv2d_1x1_copied_s8_arm_mve_params *p,
                                     const int8_t *w, const int32_t *table, const int8_t *x,
                                     void *scratch, int8_t *y);

#endif
