#include "ep_finish_s8.h"

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

void ep_finish_s8(const ep_output_s8 *p, const int32_t *bias, const int32_t *mult,
                  const int8_t *shift, const int32_t *sums, const int32_t *sums1, int32_t count,
                  int8_t *y0, int8_t *y1)
{
    const int32_t low = p->low, high = p->high, zero = p->zero;
    const int8_t *const end = shift + count;
    const int32_t pair = y1 != y0;
    while (shift != end) {
        const int32_t m = *mult++, s = *shift++;
        /* The sums may wrap on their way to a result that does not. */
        const uint32_t b = (uint32_t)*bias++;
        int32_t v = (int32_t)(b + (uint32_t)*sums++);
        if (s >= -22 && s < 0) {
            const int32_t rounding = (2 * zero + 1) * ((int32_t)1 << (-1 - s));
            *y0++ = (int8_t)ep_limit(quick(v, m, s, rounding), low, high);
            if (pair) {
                v = (int32_t)(b + (uint32_t)*sums1++);
                *y1++ = (int8_t)ep_limit(quick(v, m, s, rounding), low, high);
            }
            continue;
        }
        *y0++ = (int8_t)ep_limit(rescale(v, m, s) + zero, low, high);
        if (pair) {
            v = (int32_t)(b + (uint32_t)*sums1++);
            *y1++ = (int8_t)ep_limit(rescale(v, m, s) + zero, low, high);
        }
    }
}
