/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_EXTREME_F32_H
#define EP_EXTREME_F32_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

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
