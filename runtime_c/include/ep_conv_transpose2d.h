/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV_TRANSPOSE2D_H
#define EP_CONV_TRANSPOSE2D_H

#include "ep_finish.h"
#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window; /* padding is what is cut off in front */
    int32_t x_zero;   /* input zero point */
    ep_output_s8 output;
} ep_conv_transpose2d_s8_params;

/* y[p][o] = limit(rescale(bias[o] + sum w[o][k] * (x - x_zero)) + zero)
 *
 * over all kernel elements k and inputs x with stride * position(x) + dilation * k - pad = p.
 *
 * w     int8 [out_c][kernel_h][kernel_w][in_c]
 * bias  int32 [out_c]
 * mult  int32 [out_c], and
 * shift int8  [out_c]: the rescale of each output channel
 * x     int8 [in_h][in_w][in_c]
 * y     int8 [out_h][out_w][out_c]; may not overlap x */
void ep_conv_transpose2d_s8(const ep_conv_transpose2d_s8_params *p, const int8_t *w,
                            const int32_t *bias, const int32_t *mult, const int8_t *shift,
                            const int8_t *x, int8_t *y);

typedef ep_conv_transpose2d_s8_params ep_conv_transpose2d_s16_params;

/* y[p][o] = limit(((bias[o] + sum w[o][k] * x) * mult + half) >> shift), as ep_finish_s16 has it
 *
 * over all kernel elements k and inputs x with stride * position(x) + dilation * k - pad = p.
 * The sum of |w| of an output channel is below 2^16, p->x_zero is 0.
 *
 * w     int8  [out_c][kernel_h][kernel_w][in_c]
 * bias  int64 [out_c]
 * mult  int32 [out_c], and
 * shift int8  [out_c]: the rescale of each output channel
 * x     int16 [in_h][in_w][in_c]
 * y     int16 [out_h][out_w][out_c]; may not overlap x */
void ep_conv_transpose2d_s16(const ep_conv_transpose2d_s8_params *p, const int8_t *w,
                             const int64_t *bias, const int32_t *mult, const int8_t *shift,
                             const int16_t *x, int16_t *y);

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
