/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SOFTMAX_F32_H
#define EP_SOFTMAX_F32_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;
    int32_t length; /* elements of a row */
    float beta;     /* factor on the logits */
} ep_softmax_f32_params;

/* y = exp(beta x) / sum exp(beta x), row by row
 *
 * x float [rows][length]
 * y float [rows][length]; may be x */
void ep_softmax_f32(const ep_softmax_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
