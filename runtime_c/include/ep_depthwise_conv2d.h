/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DEPTHWISE_CONV2D_H
#define EP_DEPTHWISE_CONV2D_H

#include "ep_finish.h"
#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window;   /* out_c is a multiple of in_c */
    int32_t multiplier; /* out_c / in_c */
    int32_t x_zero;     /* input zero point, what lies in the padding */
    ep_output_s8 output;
} ep_depthwise_conv2d_s8_params;

/* y[p][o] = limit(rescale(bias[o] + sum_k x(p)[k][o / multiplier] * w[o][k]) + zero)
 *
 * w       int8  [out_c][kernel_w][kernel_h], symmetric; with multiplier 1 in blocks (EP_BLOCK)
 * bias    int32 [out_c], with the input's zero point folded in: bias - x_zero * sum_k w
 * mult    int32 [out_c], and
 * shift   int8  [out_c]: the rescale of each output channel
 * x       int8  [in_h][in_w][in_c]
 * scratch kernel_h * ep_lines_width() * in_c bytes
 * y       int8  [out_h][out_w][out_c]; may lie over x where the order in which rows are read
 *         allows it
 *
 * The compiler has checked that no accumulator leaves int32. */
void ep_depthwise_conv2d_s8(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                            const int32_t *bias, const int32_t *mult, const int8_t *shift,
                            const int8_t *x, void *scratch, int8_t *y);

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
