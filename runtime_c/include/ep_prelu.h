/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_PRELU_H
#define EP_PRELU_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_broadcast shape; /* a: the slope, b: x */
    int32_t slope_zero;
    int32_t x_zero;
    int32_t above_mult; /* for x >= 0 */
    int32_t above_shift;
    int32_t below_mult; /* for x < 0 */
    int32_t below_shift;
    int32_t y_zero;
} ep_prelu_s8_params;

/* y = saturate(rescale(x) + y_zero) where x >= 0, saturate(rescale(x * slope) + y_zero) elsewhere
 *
 * slope, x int8
 * y        int8, contiguous; may be x where x is not repeated */
void ep_prelu_s8(const ep_prelu_s8_params *p, const int8_t *slope, const int8_t *x, int8_t *y);

typedef struct {
    ep_broadcast shape; /* a: the slope, b: x */
} ep_prelu_f32_params;

/* y = x where x >= 0, x * slope elsewhere
 *
 * slope, x float
 * y        float, contiguous; may be x where x is not repeated */
void ep_prelu_f32(const ep_prelu_f32_params *p, const float *slope, const float *x, float *y);

EP_EXTERN_C_END
#endif
