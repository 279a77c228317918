/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MUL_H
#define EP_MUL_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_broadcast shape;
    int32_t a_zero;
    int32_t b_zero;
    int32_t mult;
    int32_t shift;
    int32_t y_zero;
    int32_t act_min; /* fused clamp, the element type's ends at most */
    int32_t act_max;
} ep_mul_s8_params;

/* y = clamp(rescale((a - a_zero) * (b - b_zero)) + y_zero)
 *
 * a, b int8
 * y    int8, contiguous; may be an operand that is not repeated */
void ep_mul_s8(const ep_mul_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y);

typedef ep_mul_s8_params ep_mul_s16_params;

/* ep_mul_s8 for int16. */
void ep_mul_s16(const ep_mul_s16_params *p, const int16_t *a, const int16_t *b, int16_t *y);

typedef struct {
    ep_broadcast shape;
    float act_min; /* fused clamp */
    float act_max;
} ep_mul_f32_params;

/* y = clamp(a * b)
 *
 * a, b float
 * y    float, contiguous; may be an operand that is not repeated */
void ep_mul_f32(const ep_mul_f32_params *p, const float *a, const float *b, float *y);

EP_EXTERN_C_END
#endif
