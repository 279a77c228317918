/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DEPTHWISE_CONV2D_F32_H
#define EP_DEPTHWISE_CONV2D_F32_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window;   /* out_c is a multiple of in_c */
    int32_t multiplier; /* out_c / in_c */
    float act_min;      /* fused clamp */
    float act_max;
} ep_depthwise_conv2d_f32_params;

/* y[p][o] = clamp(bias[o] + sum_k x(p)[k][o / multiplier] * w[k][o])
 *
 * w    float [kernel_h][kernel_w][out_c]
 * bias float [out_c]
 * x    float [in_h][in_w][in_c]
 * y    float [out_h][out_w][out_c]; may not overlap x */
void ep_depthwise_conv2d_f32(const ep_depthwise_conv2d_f32_params *p, const float *w,
                             const float *bias, const float *x, float *y);

EP_EXTERN_C_END
#endif
