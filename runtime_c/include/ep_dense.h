/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_H
#define EP_DENSE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;    /* vectors, one after the other */
    int32_t in_len;  /* elements of an input vector */
    int32_t out_len; /* elements of an output vector */
    int32_t y_zero;  /* output zero point, [-128, 127] */
    int32_t act_min; /* fused clamp, [-128, act_max] */
    int32_t act_max;
    int32_t quick; /* 1: no clamp, and every channel's shift is in [-23, -2] */
} ep_dense_s8_params;

/* y[o] = clamp(rescale_once(bias[o] + sum_i x[i] * w[o][i]) + y_zero)
 *
 * w      int8  [out_len][in_len], symmetric, in blocks (EP_BLOCK)
 * bias   int32 [out_len], with the input's zero point folded in: bias - zero * sum_i w
 * mult   int32 [out_len], and
 * shift  int8  [out_len]: the rescale of each output
 * x      int8  [rows][in_len]
 * y      int8  [rows][out_len]; may not overlap x
 *
 * The compiler has checked that no accumulator leaves int32. */
void ep_dense_s8(const ep_dense_s8_params *p, const int8_t *w, const int32_t *bias,
                 const int32_t *mult, const int8_t *shift, const int8_t *x, int8_t *y);

typedef ep_dense_s8_params ep_dense_s16_params;

/* ep_dense_s8 for int16 inputs and outputs with int8 weights, rescaled by acc * mult / 2^shift,
 * rounded once, halves up.
 *
 * mult  int64 [out_len], below 2^47
 * shift int8  [out_len], [17, 78] */
void ep_dense_s16(const ep_dense_s8_params *p, const int8_t *w, const int32_t *bias,
                  const int64_t *mult, const int8_t *shift, const int16_t *x, int16_t *y);

typedef struct {
    int32_t rows;    /* vectors, one after the other */
    int32_t in_len;  /* elements of an input vector */
    int32_t out_len; /* elements of an output vector */
    float act_min;   /* fused clamp */
    float act_max;
} ep_dense_f32_params;

/* y[o] = clamp(bias[o] + sum_i x[i] * w[o][i])
 *
 * w    float [out_len][in_len] in blocks (EP_BLOCK)
 * bias float [out_len]
 * x    float [rows][in_len]
 * y    float [rows][out_len]; may not overlap x */
void ep_dense_f32(const ep_dense_f32_params *p, const float *w, const float *bias, const float *x,
                  float *y);

EP_EXTERN_C_END
#endif
