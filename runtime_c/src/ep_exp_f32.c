/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_function.h"

#include "ep_math.h"

void ep_exp_f32(const ep_function_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        y[i] = ep_expf(x[i]);
    }
}
