/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DEPTHWISE_CONV2D_S16_H
#define EP_DEPTHWISE_CONV2D_S16_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window;   /* out_c is a multiple of in_c */
    int32_t multiplier; /* out_c / in_c */
    int32_t low;        /* fused clamp */
    int32_t high;
} ep_depthwise_conv2d_s16_params;

/* y[p][o] = limit(((bias[o] + sum_k x(p)[k][o / multiplier] * w[k][o]) * mult + half) >> shift)
 *
 * w     int8  [kernel_h][kernel_w][out_c], symmetric
 * bias  int64 [out_c]
 * mult  int32 [out_c], [2^14, 2^15)
 * shift int8  [out_c], to the right, [1, 62]
 * x     int16 [in_h][in_w][in_c], zero point 0
 * y     int16 [out_h][out_w][out_c]; may not overlap x */
void ep_depthwise_conv2d_s16(const ep_depthwise_conv2d_s16_params *p, const int8_t *w,
                             const int64_t *bias, const int32_t *mult, const int8_t *shift,
                             const int16_t *x, int16_t *y);

EP_EXTERN_C_END
#endif
