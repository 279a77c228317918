/* SPDX-License-Identifier: Apache-2.0 */
/* gcc vectorises fully from -O3 on, clang from -O2. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#include "ep_tile_vector.h"

void ep_tile_pair_vector(const int16_t *restrict x, const int16_t *restrict x1,
                         const int8_t *restrict w, int32_t n, int32_t *restrict sums,
                         int32_t *restrict sums1)
{
    const int8_t *const w1 = w + n, *const w2 = w1 + n, *const w3 = w2 + n;
    int32_t a0 = 0, b0 = 0, c0 = 0, d0 = 0, a1 = 0, b1 = 0, c1 = 0, d1 = 0;
    for (int32_t i = 0; i < n; i++) {
        a0 += x[i] * w[i];
        b0 += x[i] * w1[i];
        c0 += x[i] * w2[i];
        d0 += x[i] * w3[i];
        a1 += x1[i] * w[i];
        b1 += x1[i] * w1[i];
        c1 += x1[i] * w2[i];
        d1 += x1[i] * w3[i];
    }
    sums[0] = a0;
    sums[1] = b0;
    sums[2] = c0;
    sums[3] = d0;
    sums1[0] = a1;
    sums1[1] = b1;
    sums1[2] = c1;
    sums1[3] = d1;
}

void ep_tile_blocks_vector(const int16_t *restrict x, const int8_t *restrict w, int32_t n,
                           int32_t *restrict sums)
{
    const int8_t *const w1 = w + n, *const w2 = w1 + n, *const w3 = w2 + n, *const w4 = w3 + n;
    const int8_t *const w5 = w4 + n, *const w6 = w5 + n, *const w7 = w6 + n;
    int32_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (int32_t i = 0; i < n; i++) {
        a += x[i] * w[i];
        b += x[i] * w1[i];
        c += x[i] * w2[i];
        d += x[i] * w3[i];
        e += x[i] * w4[i];
        f += x[i] * w5[i];
        g += x[i] * w6[i];
        h += x[i] * w7[i];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    sums[4] = e;
    sums[5] = f;
    sums[6] = g;
    sums[7] = h;
}

int32_t ep_tile_single_vector(const int16_t *restrict x, const int8_t *restrict w, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i] * w[i];
    }
    return sum;
}

void ep_finish_vector(const ep_finish *f, int32_t count, const int32_t *restrict sums,
                      int8_t *restrict y)
{
    const int32_t low = f->output.low, high = f->output.high, zero = f->output.zero;
    const int32_t *const restrict bias = f->bias, *const restrict mult = f->mult;
    const int8_t *const restrict shift = f->shift;
    for (int32_t i = 0; i < count; i++) {
        /* The sum may wrap on its way to a result that does not. */
        const int32_t v = (int32_t)((uint32_t)bias[i] + (uint32_t)sums[i]);
        const int32_t scaled = ep_high_mul(v, mult[i]);
        const int32_t rounded = (((scaled + (scaled >> 31)) >> (-1 - shift[i])) + 1) >> 1;
        y[i] = (int8_t)ep_limit(rounded + zero, low, high);
    }
}

void ep_widen_vector(int16_t *restrict to, const int8_t *restrict from, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}
