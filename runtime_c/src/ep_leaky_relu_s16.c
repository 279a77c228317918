/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_leaky_relu.h"

void ep_leaky_relu_s16(const ep_leaky_relu_s16_params *p, const int16_t *x, int16_t *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const int32_t v = x[i] >= 0
                              ? ep_rescale(x[i], p->above_mult, p->above_shift)
                              : ep_rescale(x[i], p->below_mult, p->below_shift) * p->below_sign;
        y[i] = (int16_t)ep_limit(v, -32768L, 32767);
    }
}
