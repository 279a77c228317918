/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mean.h"

void ep_mean_f32(const ep_mean_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t k = 0; k < p->inner; k++) {
            float sum = 0.0f;
            const float *from = x + k;
            for (int32_t j = 0; j < p->count; j++, from += p->inner) {
                sum += *from;
            }
            *y++ = sum / (float)p->count;
        }
        x += p->count * p->inner;
    }
}
