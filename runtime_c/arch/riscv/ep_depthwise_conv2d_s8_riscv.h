/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DEPTHWISE_CONV2D_S8_RISCV_H
#define EP_DEPTHWISE_CONV2D_S8_RISCV_H

#include "ep_depthwise_conv2d.h"

EP_EXTERN_C_BEGIN

/* ep_depthwise_conv2d_s8 with multiplier 1 and without dilation of columns, of a multiple of EP_BLOCK
 * channels, up to four positions at a time.
 *
 * shift in [-22, -1] */
void ep_depthwise_conv2d_s8_riscv(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                                  const int32_t *bias, const int32_t *mult, const int8_t *shift,
                                  const int8_t *x, void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
