/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_log_softmax.h"

#include "ep_math.h"

void ep_log_softmax_f32(const ep_log_softmax_f32_params *p, const float *x, float *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        float top = x[0];
        for (int32_t i = 1; i < p->length; i++) {
            top = x[i] > top ? x[i] : top;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < p->length; i++) {
            sum += ep_expf(x[i] - top);
        }
        const float below = sum >= 1.0f ? top + ep_log_of_bits(ep_bits_of_float(sum)) : sum; /* NaN stays one */
        for (int32_t i = 0; i < p->length; i++) {
            y[i] = x[i] - below;
        }
        x += p->length;
        y += p->length;
    }
}
