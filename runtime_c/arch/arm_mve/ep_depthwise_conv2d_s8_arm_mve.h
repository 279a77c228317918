/* SPDX-License-Identifier: Apache-2.0 */
/* int8 depthwise convolution: eight channels are held in planes, where the window of a pixel lies
 * together, so that one instruction multiplies sixteen of its elements. */
#ifndef EP_DEPTHWISE_CONV2D_S8_ARM_MVE_H
#define EP_DEPTHWISE_CONV2D_S8_ARM_MVE_H

#include "ep_axis_arm_mve.h"

/* Lines are rows and their pixels lie along the columns, or the other way round. Planes hold
 * [place][line of the kernel]. Where the lines of a window follow each other, an input line stays
 * in its column of the planes until it is replaced, and the weights are read in another order. */
typedef struct {
    ep_axis lines;
    ep_axis pixels;
    int32_t in_c;
    int32_t multiplier; /* output channels of an input channel */
    int32_t x_zero;     /* what lies in the padding */
    int32_t y_zero;
    int32_t act_min;
    int32_t act_max;
    int32_t block; /* output pixels that are held at once */
    int32_t plane; /* bytes of a plane: ((block - 1) * pixels.stride + pixels.kernel) * lines.kernel */
    int32_t vectors; /* of an order */
} ep_depthwise_conv2d_s8_arm_mve_params;

/* As ep_depthwise_conv2d_s8 without dilation, bit for bit. Every shift is negative.
 *
 * w      int8 [out_c][pixels.kernel][lines.kernel]
 * table  bias, multiplier and shift of each channel; the input's zero point is folded into the bias
 * order  int8 [lines.kernel][vectors][16]: the weight that meets
 *        each lane of a vector (-1: none), by the input line that the first column of the planes
 *        holds
 * x      int8 [in_h][in_w][in_c]
 * planes scratch, int8 [8][plane], then 7 * pixels.stride * lines.kernel + 15 bytes that are only read
 * y      int8 [out_h][out_w][out_c]; may lie over x where all pixels of a line are computed at
 *        once, and no line is read after it was written */
void ep_depthwise_conv2d_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                    const int8_t *w, const int32_t *table, const int8_t *order,
                                    const int8_t *x, void *planes, int8_t *y);

/* The same where a window and the next one lie in the same 16 bytes: (pixels.stride + pixels.kernel) *
 * lines.kernel <= 16. An order has two vectors, of a window and of the next one. */
void ep_depthwise_conv2d_pairs_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                          const int8_t *w, const int32_t *table,
                                          const int8_t *order, const int8_t *x, void *planes,
                                          int8_t *y);

/* The same where also pixels.stride * lines.kernel is 3 (strided: 6), and saturation is the clamp: y_zero = act_min =
 * -128, act_max = 127. */
void ep_depthwise_conv2d_three_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                          const int8_t *w, const int32_t *table,
                                          const int8_t *order, const int8_t *x, void *planes,
                                          int8_t *y);
void ep_depthwise_conv2d_three_strided_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                                  const int8_t *w, const int32_t *table,
                                                  const int8_t *order, const int8_t *x,
                                                  void *planes, int8_t *y);

/* The first three with dilation: a convolution without for each phase of either axis. y may not lie over x. */
void ep_depthwise_conv2d_dilated_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                            const int8_t *w, const int32_t *table,
                                            const int8_t *order, const int8_t *x, void *planes,
                                            int8_t *y);
void ep_depthwise_conv2d_dilated_pairs_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                                  const int8_t *w, const int32_t *table,
                                                  const int8_t *order, const int8_t *x,
                                                  void *planes, int8_t *y);
void ep_depthwise_conv2d_dilated_three_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                                  const int8_t *w, const int32_t *table,
                                                  const int8_t *order, const int8_t *x,
                                                  void *planes, int8_t *y);

#endif
