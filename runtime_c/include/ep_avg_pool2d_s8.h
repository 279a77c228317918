/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_AVG_POOL2D_S8_H
#define EP_AVG_POOL2D_S8_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window;
    int32_t act_min; /* fused clamp, the element type's ends at most */
    int32_t act_max;
} ep_avg_pool2d_s8_params;

/* y[p][c] = clamp(mean over the window of x, halves away from zero), padding is not counted.
 *
 * x int8 [in_h][in_w][in_c]
 * y int8 [out_h][out_w][in_c], same scale and zero point; may lie over x where no pixel is
 * read after it was written */
void ep_avg_pool2d_s8(const ep_avg_pool2d_s8_params *p, const int8_t *x, int8_t *y);

EP_EXTERN_C_END
#endif
