/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CLAMP_H
#define EP_CLAMP_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    float low;
    float high;
} ep_clamp_f32_params;

/* y = min(max(x, low), high)
 *
 * x float [length]
 * y float [length]; may be x */
void ep_clamp_f32(const ep_clamp_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
