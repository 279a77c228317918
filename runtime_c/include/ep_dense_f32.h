/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_F32_H
#define EP_DENSE_F32_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

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
