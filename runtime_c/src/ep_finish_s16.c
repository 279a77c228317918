/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_finish.h"

static int16_t finish(const ep_finish_wide *f, int32_t o, int32_t sum)
{
    /* |bias + sum| < 2^47, so the product stays below 2^62. */
    const int64_t half = (int64_t)1 << (f->shift[o] - 1);
    const int64_t v = ((f->bias[o] + sum) * f->mult[o] + half) >> f->shift[o];
    const int64_t low = f->output.low, high = f->output.high;
    return (int16_t)(v < low ? low : v > high ? high : v);
}

EP_WEAK void ep_finish_s16(const ep_finish_wide *f, int32_t o, int32_t count, const int32_t *sums,
                           int16_t *y, int32_t pitch)
{
    for (int32_t i = 0; i < count; i++, y++) {
        *y = finish(f, o + i, sums[i]);
        if (pitch != 0) {
            y[pitch] = finish(f, o + i, sums[EP_BLOCK + i]);
        }
    }
}
