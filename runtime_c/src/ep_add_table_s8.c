/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_add_table.h"

void ep_add_table_s8(const ep_add_table_s8_params *p, const int8_t *a, const int8_t *b,
                     void *scratch, int8_t *y)
{
    int32_t *const table = (int32_t *)scratch;
    for (int32_t v = -128; v < 128; v++) {
        /* |v - zero| <= 255 < 2^8, so the product stays below 2^28. */
        table[v + 128] =
            p->sign * ep_rescale((v - p->zero) * ((int32_t)1 << 20), p->mult, p->shift) - p->offset;
    }
    const int32_t last = EP_AXES - 1;
    const int32_t *const step_a = p->swap != 0 ? p->shape.b_step : p->shape.a_step;
    const int32_t *const step_b = p->swap != 0 ? p->shape.a_step : p->shape.b_step;
    const int32_t next_a = step_a[last], next_b = step_b[last];
    const int32_t factor = p->factor, mult = p->y_mult, right = -p->y_shift;
    const int32_t low = p->low, high = p->high;
    const int32_t rounding = (2 * p->y_zero + 1) * ((int32_t)1 << (right - 1));
    const int32_t rows = ep_broadcast_rows(&p->shape);
    for (int32_t row = 0; row < rows; row++) {
        const int8_t *left = (p->swap != 0 ? b : a) + ep_broadcast_at(&p->shape, step_a, row);
        const int8_t *other = (p->swap != 0 ? a : b) + ep_broadcast_at(&p->shape, step_b, row);
        const int8_t *const end = y + p->shape.size[last];
        while (y != end) {
            /* Both terms are below 2^28. */
            const int32_t sum = *left * factor + table[*other + 128];
            const int32_t v = ep_high_mul_small(sum, mult);
            *y++ = (int8_t)ep_limit((v + (v >> 31) + rounding) >> right, low, high);
            left += next_a;
            other += next_b;
        }
    }
}
