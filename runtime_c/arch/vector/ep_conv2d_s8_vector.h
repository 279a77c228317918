/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_S8_VECTOR_H
#define EP_CONV2D_S8_VECTOR_H

#include "ep_conv2d.h"

EP_EXTERN_C_BEGIN

/* ep_conv2d_s8 of one group without dilation of columns, for compilers that vectorise.
 *
 * w       int8 [out_c][kernel_w][kernel_h][in_c]
 * shift   in [-31, -1]
 * scratch 8 bytes for each of out_c, 4 for each element of a window, and, unless direct,
 *         kernel_h * ep_lines_width() * in_c
 * y       may lie over x as there; where direct, both of a pair of pixels are read first */
void ep_conv2d_s8_vector(const ep_conv2d_s8_params *p, const int8_t *w, const int32_t *bias,
                         const int32_t *mult, const int8_t *shift, const int8_t *x, void *scratch,
                         int8_t *y);

EP_EXTERN_C_END
#endif
