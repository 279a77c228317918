/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_tile.h"

/* Input i times the channels whose weights lie at ka to kd. */
#define EP_PAIR(i, ka, kb, kc, kd)           \
    {                                        \
        const int32_t v0 = x[i], v1 = x1[i]; \
        int32_t v = w[ka];                   \
        a0 += v0 * v;                        \
        a1 += v1 * v;                        \
        v = w[kb];                           \
        b0 += v0 * v;                        \
        b1 += v1 * v;                        \
        v = w[kc];                           \
        c0 += v0 * v;                        \
        c1 += v1 * v;                        \
        v = w[kd];                           \
        d0 += v0 * v;                        \
        d1 += v1 * v;                        \
        EP_IN_ORDER();                       \
    }

EP_WEAK void ep_tile_pair_s16(const int16_t *x, const int16_t *x1, const int8_t *w, int32_t n,
                              int32_t *sums)
{
    int32_t a0 = 0, b0 = 0, c0 = 0, d0 = 0, a1 = 0, b1 = 0, c1 = 0, d1 = 0;
    const int16_t *const unrolled = x + (EP_UNROLL * (n & ~3));
    const int16_t *const even = x + (n & ~1);
    while (x != unrolled) {
        EP_PAIR(0, 0, 1, 4, 5)
        EP_PAIR(1, 2, 3, 6, 7)
        EP_PAIR(2, 8, 9, 12, 13)
        EP_PAIR(3, 10, 11, 14, 15)
        x += 4;
        x1 += 4;
        w += 16;
    }
    while (x != even) {
        EP_PAIR(0, 0, 1, 4, 5)
        EP_PAIR(1, 2, 3, 6, 7)
        x += 2;
        x1 += 2;
        w += 8;
    }
    if ((n & 1) != 0) {
        EP_PAIR(0, 0, 1, 2, 3)
    }
    sums[0] = a0;
    sums[1] = b0;
    sums[2] = c0;
    sums[3] = d0;
    sums[4] = a1;
    sums[5] = b1;
    sums[6] = c1;
    sums[7] = d1;
}

#define EP_ONE(i, ka, kb, kc, kd) \
    {                             \
        const int32_t v = x[i];   \
        a += v * w[ka];           \
        b += v * w[kb];           \
        c += v * w[kc];           \
        d += v * w[kd];           \
    }

EP_WEAK void ep_tile_block_s16(const int16_t *x, const int8_t *w, int32_t n, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int16_t *const even = x + (n & ~1);
    while (x != even) {
        EP_ONE(0, 0, 1, 4, 5)
        EP_ONE(1, 2, 3, 6, 7)
        x += 2;
        w += 8;
    }
    if ((n & 1) != 0) {
        EP_ONE(0, 0, 1, 2, 3)
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

EP_WEAK int32_t ep_tile_single_s16(const int16_t *x, const int8_t *w, int32_t n)
{
    int32_t sum = 0;
    const int16_t *const end = x + n;
    while (x != end) {
        sum += *x++ * *w++;
    }
    return sum;
}
