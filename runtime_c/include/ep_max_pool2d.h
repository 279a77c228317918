/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MAX_POOL2D_H
#define EP_MAX_POOL2D_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window;
    int32_t act_min; /* fused clamp, the element type's ends at most */
    int32_t act_max;
} ep_max_pool2d_s8_params;

/* y[p][c] = clamp(max over the window of x), padding never wins.
 *
 * x int8 [in_h][in_w][in_c]
 * y int8 [out_h][out_w][in_c]; may lie over x where no pixel is
 * read after it was written */
void ep_max_pool2d_s8(const ep_max_pool2d_s8_params *p, const int8_t *x, int8_t *y);

typedef ep_max_pool2d_s8_params ep_max_pool2d_s16_params;

/* ep_max_pool2d_s8 for int16. */
void ep_max_pool2d_s16(const ep_max_pool2d_s16_params *p, const int16_t *x, int16_t *y);

typedef struct {
    ep_window window;
    float act_min; /* fused clamp */
    float act_max;
} ep_max_pool2d_f32_params;

/* y[p][c] = clamp(max over the window of x), padding never wins.
 *
 * x float [in_h][in_w][in_c]
 * y float [out_h][out_w][in_c]; may lie over x where no pixel is
 * read after it was written */
void ep_max_pool2d_f32(const ep_max_pool2d_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
