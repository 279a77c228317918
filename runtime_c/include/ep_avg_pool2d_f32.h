/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_AVG_POOL2D_F32_H
#define EP_AVG_POOL2D_F32_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window;
    float act_min; /* fused clamp */
    float act_max;
} ep_avg_pool2d_f32_params;

/* y[p][c] = clamp(mean over the window of x), padding is not counted.
 *
 * x float [in_h][in_w][in_c]
 * y float [out_h][out_w][in_c]; may lie over x where no pixel is
 * read after it was written */
void ep_avg_pool2d_f32(const ep_avg_pool2d_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
