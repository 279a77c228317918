/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_ADD_H
#define EP_ADD_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t zero;
    int32_t mult;
    int32_t shift;
    int32_t sign; /* 1, or -1: subtracted */
} ep_add_s8_term;

typedef struct {
    ep_broadcast shape;
    ep_add_s8_term a;
    ep_add_s8_term b;
    int32_t y_zero;
    int32_t y_mult;
    int32_t y_shift;
    int32_t act_min; /* fused clamp, the element type's ends at most */
    int32_t act_max;
} ep_add_s8_params;

/* y = clamp(rescale(sign_a * term(a) + sign_b * term(b)) + y_zero),
 * term(v) = rescale((v - zero) * 2^20)
 *
 * a, b int8
 * y    int8, contiguous; may be an operand that is not repeated */
void ep_add_s8(const ep_add_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y);

typedef ep_add_s8_params ep_add_s16_params;

/* ep_add_s8 for int16, with 15 bits in the place of 20. */
void ep_add_s16(const ep_add_s16_params *p, const int16_t *a, const int16_t *b, int16_t *y);

typedef struct {
    ep_broadcast shape;
    float act_min; /* fused clamp */
    float act_max;
} ep_add_f32_params;

/* y = clamp(a + b)
 *
 * a, b float
 * y    float, contiguous; may be an operand that is not repeated */
void ep_add_f32(const ep_add_f32_params *p, const float *a, const float *b, float *y);

EP_EXTERN_C_END
#endif
