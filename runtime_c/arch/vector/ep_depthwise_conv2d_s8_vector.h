/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DEPTHWISE_CONV2D_S8_VECTOR_H
#define EP_DEPTHWISE_CONV2D_S8_VECTOR_H

#include "ep_depthwise_conv2d.h"

EP_EXTERN_C_BEGIN

/* ep_depthwise_conv2d_s8 of one filter a channel, without dilation of columns, for compilers that
 * vectorise.
 *
 * w       int8 [kernel_w][kernel_h][out_c]
 * shift   in [-31, -1]
 * scratch 4 bytes for each of out_c, and kernel_h * ep_lines_width() * out_c */
void ep_depthwise_conv2d_s8_vector(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                                   const int32_t *bias, const int32_t *mult, const int8_t *shift,
                                   const int8_t *x, void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
