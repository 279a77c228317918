/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DEPTHWISE_CONV2D_S8_ARMV6M_H
#define EP_DEPTHWISE_CONV2D_S8_ARMV6M_H

#include "ep_depthwise_conv2d.h"

EP_EXTERN_C_BEGIN

/* ep_depthwise_conv2d_s8 with multiplier 1, without dilation of columns and without a clamp, up to
 * five positions at a time.
 *
 * w     int8 [out_c][kernel_w][kernel_h]
 * shift in [-22, -1] */
void ep_depthwise_conv2d_s8_armv6m(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                                   const int32_t *bias, const int32_t *mult, const int8_t *shift,
                                   const int8_t *x, void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
