/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_S8_ARMV6M_H
#define EP_CONV2D_S8_ARMV6M_H

#include "ep_conv2d.h"

EP_EXTERN_C_BEGIN

/* ep_conv2d_s8 of one group without dilation of columns and without a clamp, four positions at a time.
 *
 * w       int8 [out_c][kernel_w][kernel_h][in_c], each channel's rounded up to fours by zeros, in
 *         words; no two neighbours of an even and an odd number are both -128
 * shift   in [-22, -1]
 * scratch 8 bytes for each of a channel's weights, and, unless direct, kernel_h * ep_lines_width() *
 *         in_c
 * y       may lie over x as there; where direct, as if every pixel were copied before it is written */
void ep_conv2d_s8_armv6m(const ep_conv2d_s8_params *p, const void *w, const int32_t *bias,
                         const int32_t *mult, const int8_t *shift, const int8_t *x, void *scratch,
                         int8_t *y);

EP_EXTERN_C_END
#endif
