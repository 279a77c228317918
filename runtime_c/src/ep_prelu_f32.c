/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_prelu.h"

void ep_prelu_f32(const ep_prelu_f32_params *p, const float *slope, const float *x, float *y)
{
    const int32_t rows = ep_broadcast_rows(&p->shape);
    const int32_t last = EP_AXES - 1;
    for (int32_t row = 0; row < rows; row++) {
        const float *left = slope + ep_broadcast_at(&p->shape, p->shape.a_step, row);
        const float *right = x + ep_broadcast_at(&p->shape, p->shape.b_step, row);
        for (int32_t i = 0; i < p->shape.size[last]; i++) {
            *y++ = *right >= 0.0f ? *right : *right * *left;
            left += p->shape.a_step[last];
            right += p->shape.b_step[last];
        }
    }
}
