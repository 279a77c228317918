/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SUB_H
#define EP_SUB_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_broadcast shape;
    int32_t swap;  /* not 0: b - a */
    float act_min; /* fused clamp */
    float act_max;
} ep_sub_f32_params;

/* y = clamp(a - b), or clamp(b - a)
 *
 * a, b float
 * y    float, contiguous; may be an operand that is not repeated */
void ep_sub_f32(const ep_sub_f32_params *p, const float *a, const float *b, float *y);

EP_EXTERN_C_END
#endif
