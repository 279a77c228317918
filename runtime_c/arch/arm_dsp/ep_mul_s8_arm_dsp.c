/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mul_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

/* One row; full: no clamp but the type's own ends. The high multiply wants twice the product, and
 * both factors are negated. The sign of the product is that of its high half, or no matter. */
static inline __attribute__((always_inline)) void row(const ep_mul_s8_params *p, const int8_t *a,
                                                      const int8_t *b, int8_t *y, int32_t full)
{
    const int32_t last = EP_AXES - 1;
    const int32_t a_step = p->shape.a_step[last], b_step = p->shape.b_step[last];
    const int32_t a_zero = 2 * p->a_zero, b_zero = p->b_zero, mult = p->mult, right = -p->shift;
    const int32_t rounding = (2 * p->y_zero + 1) * ((int32_t)1 << (right - 1));
    const int32_t low = p->act_min, high = p->act_max;
    const int8_t *const end = y + p->shape.size[last];
    while (y != end) {
        const int32_t product = (a_zero - 2 * *a) * (b_zero - *b);
        int32_t v;
        __asm__("smmlar %0, %1, %2, %3" : "=r"(v) : "r"(product), "r"(mult), "r"(rounding));
        v = (v + (product >> 31)) >> right;
        if (full != 0) {
            __asm__("ssat %0, #8, %1" : "=r"(v) : "r"(v));
        } else {
            v = ep_limit(v, low, high);
        }
        *y++ = (int8_t)v;
        a += a_step;
        b += b_step;
    }
}

void ep_mul_s8_arm_dsp(const ep_mul_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y)
{
    const int32_t rows = ep_broadcast_rows(&p->shape);
    for (int32_t i = 0; i < rows; i++) {
        const int8_t *const left = a + ep_broadcast_at(&p->shape, p->shape.a_step, i);
        const int8_t *const right = b + ep_broadcast_at(&p->shape, p->shape.b_step, i);
        if (p->act_min == -128 && p->act_max == 127) {
            row(p, left, right, y, 1);
        } else {
            row(p, left, right, y, 0);
        }
        y += p->shape.size[EP_AXES - 1];
    }
}
