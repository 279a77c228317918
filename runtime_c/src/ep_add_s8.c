#include "ep_add_s8.h"

static int32_t term(const ep_add_s8_term *t, int32_t v)
{
    /* |v - zero| <= 255 < 2^8, so the product stays below 2^28. */
    return t->sign * ep_rescale((v - t->zero) * ((int32_t)1 << 20), t->mult, t->shift);
}

void ep_add_s8(const ep_add_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y)
{
    const int32_t rows = ep_broadcast_rows(&p->shape);
    const int32_t last = EP_AXES - 1;
    for (int32_t row = 0; row < rows; row++) {
        const int8_t *left = a + ep_broadcast_at(&p->shape, p->shape.a_step, row);
        const int8_t *right = b + ep_broadcast_at(&p->shape, p->shape.b_step, row);
        for (int32_t i = 0; i < p->shape.size[last]; i++) {
            const int32_t sum = term(&p->a, *left) + term(&p->b, *right);
            const int32_t v = ep_rescale(sum, p->y_mult, p->y_shift) + p->y_zero;
            *y++ = (int8_t)ep_limit(v, p->act_min, p->act_max);
            left += p->shape.a_step[last];
            right += p->shape.b_step[last];
        }
    }
}
