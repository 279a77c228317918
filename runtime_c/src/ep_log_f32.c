/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_function.h"

#include <math.h>

#include "ep_math.h"

/* What is no normal number above 0: those between are made normal, 2^23 times themselves. */
static float log_of_edge(float v)
{
    if (v > 0.0f) {
        return ep_logf(v * 8388608.0f) - 15.9423851f;
    }
    return v < 0.0f ? NAN : v >= 0.0f ? -INFINITY : v;
}

void ep_log_f32(const ep_function_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        y[i] = v >= 1.17549435e-38f ? ep_logf(v) : log_of_edge(v);
    }
}
