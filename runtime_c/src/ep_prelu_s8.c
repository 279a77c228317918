/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_prelu.h"

void ep_prelu_s8(const ep_prelu_s8_params *p, const int8_t *slope, const int8_t *x, int8_t *y)
{
    const int32_t rows = ep_broadcast_rows(&p->shape);
    const int32_t last = EP_AXES - 1;
    for (int32_t row = 0; row < rows; row++) {
        const int8_t *factor = slope + ep_broadcast_at(&p->shape, p->shape.a_step, row);
        const int8_t *from = x + ep_broadcast_at(&p->shape, p->shape.b_step, row);
        for (int32_t i = 0; i < p->shape.size[last]; i++) {
            const int32_t centred = *from - p->x_zero;
            const int32_t v = centred >= 0 ? ep_rescale(centred, p->above_mult, p->above_shift)
                                           : ep_rescale(centred * (*factor - p->slope_zero),
                                                        p->below_mult, p->below_shift);
            *y++ = (int8_t)ep_limit(v + p->y_zero, -128, 127);
            factor += p->shape.a_step[last];
            from += p->shape.b_step[last];
        }
    }
}
