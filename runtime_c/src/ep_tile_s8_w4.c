#include "ep_tile_s8_w4.h"

/* Four bits, at a place of a word, with their sign. */
static inline int32_t nibble(uint32_t word, int32_t place)
{
    return (int32_t)(word << (28 - 4 * place)) >> 28;
}

static inline uint32_t four(const uint8_t *w)
{
    return (uint32_t)w[0] | (uint32_t)w[1] << 8;
}

EP_WEAK void ep_tile_pair_s8_w4(const int8_t *x, const int8_t *x1, const uint8_t *w, int32_t n,
                                int32_t *sums)
{
    int32_t a0 = 0, b0 = 0, c0 = 0, d0 = 0, a1 = 0, b1 = 0, c1 = 0, d1 = 0;
    const int8_t *const end = x + n;
    while (x != end) {
        const uint32_t word = four(w);
        const int32_t v0 = *x++, v1 = *x1++;
        a0 += v0 * nibble(word, 0);
        a1 += v1 * nibble(word, 0);
        b0 += v0 * nibble(word, 1);
        b1 += v1 * nibble(word, 1);
        c0 += v0 * nibble(word, 2);
        c1 += v1 * nibble(word, 2);
        d0 += v0 * nibble(word, 3);
        d1 += v1 * nibble(word, 3);
        w += 2;
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

EP_WEAK void ep_tile_block_s8_w4(const int8_t *x, const uint8_t *w, int32_t n, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int8_t *const end = x + n;
    while (x != end) {
        const uint32_t word = four(w);
        const int32_t v = *x++;
        a += v * nibble(word, 0);
        b += v * nibble(word, 1);
        c += v * nibble(word, 2);
        d += v * nibble(word, 3);
        w += 2;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}
