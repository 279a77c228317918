/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MEAN_F32_H
#define EP_MEAN_F32_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t outer; /* x is [outer][count][inner] */
    int32_t count; /* elements of a mean */
    int32_t inner;
} ep_mean_f32_params;

/* y[i][k] = sum_j x[i][j][k] / count
 *
 * x float [outer][count][inner]
 * y float [outer][inner]; may not overlap x */
void ep_mean_f32(const ep_mean_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
