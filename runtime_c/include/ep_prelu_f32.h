/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_PRELU_F32_H
#define EP_PRELU_F32_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

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
