/* SPDX-License-Identifier: Apache-2.0 */
/* Exponentials and reciprocals in fixed point, operation by operation as in gemmlowp's
 * fixedpoint.h. A number Qm.n has m integer and n fractional bits in an int32. */
#ifndef EP_EXP_H
#define EP_EXP_H

#include "ep_common.h"

static inline int32_t ep_shift_left_saturating(int32_t x, int32_t bits)
{
    const int32_t limit = INT32_MAX >> bits;
    if (x > limit) {
        return INT32_MAX;
    }
    if (x < -limit - 1) {
        return INT32_MIN;
    }
    return (int32_t)((uint32_t)x << bits);
}

/* exp(x) in Q0.31 for x <= 0 in Q5.26: a series on [-1/4, 0), then the powers of two below it. */
static inline int32_t ep_exp_on_negative(int32_t x)
{
    /* exp(-2^k) in Q0.31, k = -2 ... 4 */
    static const int32_t factors[7] = {1672461947, 1302514674, 790015084, 290630308,
                                       39332535,   720401,     242};
    if (x == 0) {
        return INT32_MAX;
    }
    const int32_t quarter = (int32_t)1 << 24;
    const int32_t rest = (int32_t)((uint32_t)x & (uint32_t)(quarter - 1)) - quarter;
    const int32_t a = rest * 32 + ((int32_t)1 << 28); /* Q0.31, around -1/8 */
    const int32_t a2 = ep_high_mul(a, a);
    const int32_t a3 = ep_high_mul(a2, a);
    const int32_t a4 = ep_divide_by_pot(ep_high_mul(a2, a2), 2);
    const int32_t series = ep_divide_by_pot(ep_high_mul(a4 + a3, 715827883) + a2, 1);
    int32_t result = 1895147668 + ep_high_mul(1895147668, a + series);
    const uint32_t remainder = (uint32_t)rest - (uint32_t)x;
    for (int32_t k = 0; k < 7; k++) {
        if ((remainder & ((uint32_t)1 << (24 + k))) != 0) {
            result = ep_high_mul(result, factors[k]);
        }
    }
    return result;
}

/* 1 / (1 + a) in Q0.31 for a in [0, 1): three Newton-Raphson steps in Q2.29. */
static inline int32_t ep_one_over_one_plus(int32_t a)
{
    const int32_t half = (int32_t)(((uint32_t)a + 0x80000000u) >> 1);
    int32_t x = 1515870810 + ep_high_mul(half, -1010580540);
    for (int32_t k = 0; k < 3; k++) {
        const int32_t error = ((int32_t)1 << 29) - ep_high_mul(half, x);
        x += ep_shift_left_saturating(ep_high_mul(x, error), 2);
    }
    return ep_shift_left_saturating(x, 1);
}

/* Zero bits above the highest one; x > 0. */
static inline int32_t ep_leading_zeros(uint32_t x)
{
    int32_t n = 0;
    while ((x & 0x80000000u) == 0) {
        x <<= 1;
        n++;
    }
    return n;
}

#endif
