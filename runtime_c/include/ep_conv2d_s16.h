/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_S16_H
#define EP_CONV2D_S16_H

#include "ep_conv2d_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_conv2d_s8_params ep_conv2d_s16_params;

/* ep_conv2d_s8 for int16 inputs and outputs of zero point 0, with int8 weights, a bias of 64 bits
 * and the end of ep_finish_s16.h.
 *
 * scratch kernel_h * ep_lines_width() * in_c elements of int16, see ep_conv2d_s8.h */
void ep_conv2d_s16(const ep_conv2d_s8_params *p, const int8_t *w, const int64_t *bias,
                   const int32_t *mult, const int8_t *shift, const int16_t *x, void *scratch,
                   int16_t *y);

EP_EXTERN_C_END
#endif
