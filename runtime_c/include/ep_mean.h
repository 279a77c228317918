/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MEAN_H
#define EP_MEAN_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t outer; /* x is [outer][count][inner] */
    int32_t count; /* elements of a mean */
    int32_t inner;
    int32_t offset; /* zero point of x times count */
    int32_t mult;
    int32_t shift;
    int32_t y_zero;
} ep_mean_s8_params;

/* y[i][k] = saturate(rescale(sum_j x[i][j][k] - offset) + y_zero); 1 / count is in the rescale.
 *
 * x int8 [outer][count][inner]
 * y int8 [outer][inner]; may not overlap x */
void ep_mean_s8(const ep_mean_s8_params *p, const int8_t *x, int8_t *y);

typedef ep_mean_s8_params ep_mean_s16_params;

/* ep_mean_s8 for int16. */
void ep_mean_s16(const ep_mean_s16_params *p, const int16_t *x, int16_t *y);

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
