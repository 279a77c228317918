/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_LEAKY_RELU_H
#define EP_LEAKY_RELU_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length;     /* elements */
    int32_t above_mult; /* for x >= 0 */
    int32_t above_shift;
    int32_t below_mult; /* for x < 0, without its sign */
    int32_t below_shift;
    int32_t below_sign; /* 1 or -1 */
} ep_leaky_relu_s16_params;

/* y = saturate(rescale(x)) where x >= 0, saturate(rescale(alpha * x)) elsewhere
 *
 * x int16 [length], zero point 0
 * y int16 [length]; may be x */
void ep_leaky_relu_s16(const ep_leaky_relu_s16_params *p, const int16_t *x, int16_t *y);

typedef struct {
    int32_t length; /* elements */
    float alpha;
} ep_leaky_relu_f32_params;

/* y = x where x >= 0, alpha * x elsewhere
 *
 * x float [length]
 * y float [length]; may be x */
void ep_leaky_relu_f32(const ep_leaky_relu_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
