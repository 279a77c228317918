/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_finish.h"

/* Any shift. */
static EP_NOINLINE int32_t rescale(int32_t x, int32_t mult, int32_t shift)
{
    return ep_rescale(x, mult, shift < -32 ? shift + 64 : shift);
}

/* ep_rescale(x, mult, shift) + zero for shift in [-22, -1] and |x| < 2^30: the zero point is part
 * of what is added for rounding. */
static inline int32_t quick(int32_t x, int32_t mult, int32_t shift, int32_t rounding)
{
    const int32_t high = ep_high_mul_small(x, mult);
    return (high + (high >> 31) + rounding) >> -shift;
}

/* Where quick channels are in assembly, the others are here under another name. */
#if EP_FINISH_QUICKLY
#define EP_FINISH_NAME ep_finish_any_s8
EP_WEAK void ep_finish_s8(const ep_finish *f, int32_t o, int32_t count, const int32_t *sums,
                          int8_t *y, int32_t pitch)
{
    ep_finish_any_s8(f, o, count, sums, y, pitch);
}
#else
#define EP_FINISH_NAME ep_finish_s8
#endif

void EP_FINISH_NAME(const ep_finish *f, int32_t o, int32_t count, const int32_t *sums, int8_t *y,
                    int32_t pitch)
{
    const int32_t low = f->output.low, high = f->output.high, zero = f->output.zero;
    const int32_t *const bias = f->bias + o, *const mult = f->mult + o;
    const int8_t *const shift = f->shift + o;
    for (int32_t i = 0; i < count; i++, y++) {
        const int32_t m = mult[i], s = shift[i];
        /* The sums may wrap on their way to a result that does not. */
        const int32_t v = (int32_t)((uint32_t)bias[i] + (uint32_t)sums[i]);
        if (s >= -22 && s < 0) {
            const int32_t rounding = (2 * zero + 1) * ((int32_t)1 << (-1 - s));
            *y = (int8_t)ep_limit(quick(v, m, s, rounding), low, high);
            if (pitch != 0) {
                const int32_t v1 = (int32_t)((uint32_t)bias[i] + (uint32_t)sums[EP_BLOCK + i]);
                y[pitch] = (int8_t)ep_limit(quick(v1, m, s, rounding), low, high);
            }
            continue;
        }
        *y = (int8_t)ep_limit(rescale(v, m, s) + zero, low, high);
        if (pitch != 0) {
            const int32_t v1 = (int32_t)((uint32_t)bias[i] + (uint32_t)sums[EP_BLOCK + i]);
            y[pitch] = (int8_t)ep_limit(rescale(v1, m, s) + zero, low, high);
        }
    }
}
