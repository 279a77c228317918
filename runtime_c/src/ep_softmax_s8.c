/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_softmax_s8.h"

#include "ep_exp.h"

static EP_NOINLINE int32_t exponential(const ep_softmax_s8_params *p, int32_t diff)
{
    /* diff >= diff_min keeps the shifted difference within int32. */
    return ep_exp_on_negative(ep_high_mul((int32_t)((uint32_t)diff << p->shift), p->mult));
}

void ep_softmax_s8(const ep_softmax_s8_params *p, const int8_t *x, void *scratch, int8_t *y)
{
    int32_t *const kept = (int32_t *)scratch;
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t top = -128;
        for (int32_t i = 0; i < p->length; i++) {
            top = x[i] > top ? x[i] : top;
        }
        int32_t sum = 0; /* Q12.19 */
        for (int32_t i = 0; i < p->length; i++) {
            const int32_t diff = x[i] - top;
            const int32_t e = diff >= p->diff_min ? exponential(p, diff) : 0;
            sum += ep_divide_by_pot(e, 12);
            if (p->keep != 0) {
                kept[i] = e;
            }
        }
        const int32_t headroom = ep_leading_zeros((uint32_t)sum);
        const uint32_t fraction = ((uint32_t)sum << headroom) - 0x80000000u;
        const int32_t reciprocal = ep_one_over_one_plus((int32_t)fraction);
        /* Beyond 31, from 512 equal logits on, all results are below one half. */
        const int32_t exponent = 12 - headroom + 31 - 8;
        for (int32_t i = 0; i < p->length; i++) {
            const int32_t diff = x[i] - top;
            int32_t v = -128;
            if (diff >= p->diff_min && exponent <= 31) {
                const int32_t e = p->keep != 0 ? kept[i] : exponential(p, diff);
                v += ep_divide_by_pot(ep_high_mul(reciprocal, e), exponent);
            }
            y[i] = (int8_t)ep_limit(v, -128, 127);
        }
        x += p->length;
        y += p->length;
    }
}
