/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_COMPARE_H
#define EP_COMPARE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    float bound;
    float below; /* results */
    float equal;
    float above;
    float unordered;
} ep_compare_f32_params;

/* y = below where x < bound, above where x > bound, equal where x is bound, unordered where x is NaN
 *
 * x float [length]
 * y float [length]; may be x */
void ep_compare_f32(const ep_compare_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
