/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_log_softmax.h"

#include "ep_exp.h"

/* log x as Q5.26 for x >= 1 in Q12.19: a rational function around a power of two, which is taken
 * both from x and from x sqrt(1/2), whichever leaves the fraction smaller. */
static int32_t log_at_least_one(int32_t x)
{
    const int32_t sqrt_half = 1518500250;      /* (1/2)^(1/2), Q0.31 */
    const int32_t sqrt_sqrt_half = 1805811301; /* (1/2)^(1/4), Q0.31 */
    const int32_t quarter = (int32_t)1 << 23;  /* 1/4, Q6.25 */
    const int32_t room_a = ep_leading_zeros((uint32_t)x);
    const int32_t fraction = (int32_t)((uint32_t)x << (room_a - 1));
    const int32_t r_a = ep_shift_left_saturating(ep_high_mul(fraction, sqrt_half), 1);
    const int32_t power_a = (12 - room_a) * ((int32_t)1 << 25) + quarter;
    const int32_t room_b = ep_leading_zeros((uint32_t)ep_high_mul(x, sqrt_half)) - 1;
    const int32_t r_b = ep_shift_left_saturating(x, room_b);
    const int32_t power_b = (12 - room_b) * ((int32_t)1 << 25) - quarter;
    const int32_t r = r_a < r_b ? r_a : r_b;
    const int32_t power = power_a > power_b ? power_a : power_b;
    const int32_t p = (int32_t)(((uint32_t)r + (uint32_t)sqrt_sqrt_half + 1u) >> 1);
    const int32_t q = 2 * (r - sqrt_sqrt_half);
    const int32_t square = ep_high_mul(q, q);
    const int32_t cubic = ep_high_mul(ep_high_mul(q, square), 117049297);
    const int32_t numerator = ep_high_mul(q, r) + cubic;
    const int32_t series = 1057819769 + q + ep_high_mul(127690142, square);
    const int32_t denominator = ep_high_mul(p, series) + ep_high_mul(638450708, q);
    const int32_t reciprocal = ep_one_over_one_plus(denominator);
    const int32_t log =
        ep_high_mul(power, 1488522236) + ep_high_mul(ep_divide_by_pot(numerator, 6), reciprocal);
    return ep_shift_left_saturating(log, 1);
}

void ep_log_softmax_s8(const ep_log_softmax_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t top = -128;
        for (int32_t i = 0; i < p->length; i++) {
            top = x[i] > top ? x[i] : top;
        }
        int32_t sum = 0; /* Q12.19 */
        for (int32_t i = 0; i < p->length; i++) {
            const int32_t diff = x[i] - top;
            if (diff >= p->diff_min) {
                const int32_t scaled = ep_rescale(diff, p->mult, p->shift);
                sum += ep_divide_by_pot(ep_exp_on_negative(scaled), 12);
            }
        }
        const int32_t log_sum = log_at_least_one(sum);
        const int32_t reach = ep_rescale(log_sum + INT32_MIN, p->back_mult, p->back_shift);
        const int32_t floor = reach > p->diff_min - 1 ? reach : p->diff_min - 1;
        for (int32_t i = 0; i < p->length; i++) {
            const int32_t diff = x[i] - top;
            int32_t v = -128;
            if (diff > floor) {
                const int32_t scaled = ep_rescale(diff, p->mult, p->shift);
                v = ep_divide_by_pot(scaled - log_sum, 22) + 127;
            }
            y[i] = (int8_t)ep_limit(v, -128, 127);
        }
        x += p->length;
        y += p->length;
    }
}
