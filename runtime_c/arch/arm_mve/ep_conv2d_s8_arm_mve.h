/* SPDX-License-Identifier: Apache-2.0 */
/* int8 convolution of any kernel: what a line of output pixels reads is gathered first. */
#ifndef EP_CONV2D_S8_ARM_MVE_H
#define EP_CONV2D_S8_ARM_MVE_H

#include "ep_axis_arm_mve.h"
#include "ep_conv_line_arm_mve.h"

/* Lines are rows and their pixels lie along the columns, or the other way round. */
typedef struct {
    ep_conv_line line; /* of one group */
    ep_axis lines;
    ep_axis pixels;
    int32_t groups;
    int32_t in_c;        /* of one group */
    int32_t w_group;     /* bytes of the weights from one group to the next */
    int32_t table_group; /* words of the table */
    int32_t x_zero; /* what lies in the padding */
    int32_t block;  /* output pixels that are gathered at once */
} ep_conv2d_s8_arm_mve_params;

/* As ep_conv2d_s8 without dilation, bit for bit. w and table: see ep_conv_line_arm_mve, in_len
 * [pixels.kernel][lines.kernel][in_c].
 *
 * x        int8 [in_h][in_w][groups][in_c]
 * gathered scratch, int8 [(block - 1) * pixels.stride + pixels.kernel][lines.kernel][in_c], then as many bytes
 *          as line.in_len is more than what a pixel reads
 * y        int8 [out_h][out_w][groups][out_c]; may lie over x where all pixels of a line are
 *          gathered at once, and no line is read after it was written */
void ep_conv2d_s8_arm_mve(const ep_conv2d_s8_arm_mve_params *p, const int8_t *w,
                          const int32_t *table, const int8_t *x, void *gathered, int8_t *y);

/* The same with dilation: a convolution without for each phase of either axis. y may not lie over x. */
void ep_conv2d_dilated_s8_arm_mve(const ep_conv2d_s8_arm_mve_params *p, const int8_t *w,
                                  const int32_t *table, const int8_t *x, void *gathered, int8_t *y);

#endif
