/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_function.h"

#include <math.h>

#include "ep_math.h"

/* Of 0, what is below, infinity and NaN. */
static float log_of_edge(float v)
{
    if (v == 0.0f) {
        return -INFINITY;
    }
    if (v < 0.0f) {
        return NAN;
    }
    return v;
}

void ep_log_f32(const ep_function_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        uint32_t bits = ep_bits_of_float(v);
        if (bits - 0x00800000u >= 0x7F000000u) { /* no normal number above 0 */
            if (bits - 1u >= 0x007FFFFFu) {
                y[i] = log_of_edge(v);
                continue;
            }
            bits = ep_bits_of_float(v * 8388608.0f) - 0x0B800000u; /* normal; 23 in the exponent */
        }
        y[i] = ep_log_of_bits(bits);
    }
}
