/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_F32_H
#define EP_CONV2D_F32_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window;
    int32_t groups;
    float act_min; /* fused clamp */
    float act_max;
} ep_conv2d_f32_params;

/* y[p][o] = clamp(bias[o] + sum_k column(p)[k] * w[o][k])
 *
 * where column(p)[k] is the input below kernel element k at position p, 0 outside the image.
 *
 * w       float [out_c][kernel_h][kernel_w][in_c / groups], the filters of each group in blocks
 * bias    float [out_c]
 * x       float [in_h][in_w][in_c]
 * columns scratch, 2 * kernel_h * kernel_w * in_c / groups floats
 * y       float [out_h][out_w][out_c]; may lie over x where no pixel is read after it was
 *         written, as with windows of one pixel */
void ep_conv2d_f32(const ep_conv2d_f32_params *p, const float *w, const float *bias, const float *x,
                   void *columns, float *y);

EP_EXTERN_C_END
#endif
