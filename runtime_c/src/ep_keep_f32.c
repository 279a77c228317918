/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_keep.h"

void ep_keep_f32(const ep_keep_f32_params *p, const float *a, const float *b, float *y)
{
    const int32_t rows = ep_broadcast_rows(&p->shape);
    const int32_t last = EP_AXES - 1;
    for (int32_t row = 0; row < rows; row++) {
        const float *left = a + ep_broadcast_at(&p->shape, p->shape.a_step, row);
        const float *right = b + ep_broadcast_at(&p->shape, p->shape.b_step, row);
        for (int32_t i = 0; i < p->shape.size[last]; i++) {
            const float condition = p->swap ? *left : *right;
            const float value = p->swap ? *right : *left;
            *y++ = condition >= 0.0f && condition <= 0.0f ? 0.0f : value;
            left += p->shape.a_step[last];
            right += p->shape.b_step[last];
        }
    }
}
