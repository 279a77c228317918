/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_EXTREME_H
#define EP_EXTREME_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_broadcast shape;
    int32_t largest; /* not 0: the larger of the two; 0: the smaller */
} ep_extreme_s8_params;

/* y = max(a, b), or min(a, b)
 *
 * a, b int8, all of one scale
 * y    int8, contiguous; may be an operand that is not repeated */
void ep_extreme_s8(const ep_extreme_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y);

typedef struct {
    ep_broadcast shape;
    int32_t largest; /* not 0: the larger of the two; 0: the smaller */
} ep_extreme_s16_params;

/* y = max(a, b), or min(a, b)
 *
 * a, b int16, all of one scale
 * y    int16, contiguous; may be an operand that is not repeated */
void ep_extreme_s16(const ep_extreme_s16_params *p, const int16_t *a, const int16_t *b, int16_t *y);

typedef struct {
    ep_broadcast shape;
    int32_t largest; /* not 0: the larger of the two; 0: the smaller */
} ep_extreme_f32_params;

/* y = max(a, b), or min(a, b)
 *
 * a, b float
 * y    float, contiguous; may be an operand that is not repeated */
void ep_extreme_f32(const ep_extreme_f32_params *p, const float *a, const float *b, float *y);

EP_EXTERN_C_END
#endif
