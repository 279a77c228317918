/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV_TRANSPOSE2D_F32_H
#define EP_CONV_TRANSPOSE2D_F32_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window; /* padding is what is cut off in front */
    float act_min;    /* fused clamp */
    float act_max;
} ep_conv_transpose2d_f32_params;

/* y[p][o] = clamp(bias[o] + sum w[o][k] * x)
 *
 * over all kernel elements k and inputs x with stride * position(x) + dilation * k - pad = p.
 *
 * w     float [out_c][kernel_h][kernel_w][in_c]
 * bias  float [out_c]
 * x     float [in_h][in_w][in_c]
 * y     float [out_h][out_w][out_c]; may not overlap x */
void ep_conv_transpose2d_f32(const ep_conv_transpose2d_f32_params *p, const float *w,
                             const float *bias, const float *x, float *y);

EP_EXTERN_C_END
#endif
