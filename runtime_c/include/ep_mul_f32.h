/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MUL_F32_H
#define EP_MUL_F32_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

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
