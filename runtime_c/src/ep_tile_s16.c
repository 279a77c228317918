#include "ep_tile_s16.h"

#define EP_PAIR(i)                           \
    {                                        \
        const int32_t v0 = x[i], v1 = x1[i]; \
        int32_t v = w[4 * (i)];              \
        a0 += v0 * v;                        \
        a1 += v1 * v;                        \
        v = w[4 * (i) + 1];                  \
        b0 += v0 * v;                        \
        b1 += v1 * v;                        \
        v = w[4 * (i) + 2];                  \
        c0 += v0 * v;                        \
        c1 += v1 * v;                        \
        v = w[4 * (i) + 3];                  \
        d0 += v0 * v;                        \
        d1 += v1 * v;                        \
    }

EP_WEAK void ep_tile_pair_s16(const int16_t *x, const int16_t *x1, const int8_t *w, int32_t n,
                             int32_t *sums)
{
    int32_t a0 = 0, b0 = 0, c0 = 0, d0 = 0, a1 = 0, b1 = 0, c1 = 0, d1 = 0;
    const int16_t *const unrolled = x + (EP_UNROLL * (n & ~7));
    const int16_t *const end = x + n;
    while (x != unrolled) {
        EP_PAIR(0)
        EP_PAIR(1)
        EP_PAIR(2)
        EP_PAIR(3)
        EP_PAIR(4)
        EP_PAIR(5)
        EP_PAIR(6)
        EP_PAIR(7)
        x += 8;
        x1 += 8;
        w += 32;
    }
    while (x != end) {
        EP_PAIR(0)
        x++;
        x1++;
        w += 4;
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

#define EP_ONE(i)                \
    {                            \
        const int32_t v = x[i];  \
        a += v * w[4 * (i)];     \
        b += v * w[4 * (i) + 1]; \
        c += v * w[4 * (i) + 2]; \
        d += v * w[4 * (i) + 3]; \
    }

EP_WEAK void ep_tile_block_s16(const int16_t *x, const int8_t *w, int32_t n, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int16_t *const unrolled = x + (EP_UNROLL * (n & ~3));
    const int16_t *const end = x + n;
    while (x != unrolled) {
        EP_ONE(0)
        EP_ONE(1)
        EP_ONE(2)
        EP_ONE(3)
        x += 4;
        w += 16;
    }
    while (x != end) {
        EP_ONE(0)
        x++;
        w += 4;
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
