/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_taps.h"

EP_WEAK void ep_taps_pair_s8(const int8_t *x, const int8_t *x1, int32_t step, const int8_t *w,
                             int32_t taps, int32_t *sums)
{
    ep_taps_block_s8(x, step, w, taps, sums);
    ep_taps_block_s8(x1, step, w, taps, sums + EP_BLOCK);
}

EP_WEAK void ep_taps_block_s8(const int8_t *x, int32_t step, const int8_t *w, int32_t taps,
                              int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int8_t *const end = w + EP_BLOCK * taps;
    while (w != end) {
        a += w[0] * x[0];
        b += w[1] * x[1];
        c += w[2] * x[2];
        d += w[3] * x[3];
        w += EP_BLOCK;
        x += step;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

EP_WEAK int32_t ep_taps_single_s8(const int8_t *x, int32_t step, const int8_t *w, int32_t taps)
{
    int32_t sum = 0;
    const int8_t *const end = w + taps;
    while (w != end) {
        sum += *w++ * *x;
        x += step;
    }
    return sum;
}
