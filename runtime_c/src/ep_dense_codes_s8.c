/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_codes.h"

/* Where in the codes a row begins. */
typedef struct {
    const uint32_t *word; /* the next one */
    uint32_t fraction;    /* what is left of the last one: digits behind the point */
    int32_t left;         /* how many */
} place;

/* The next digit of a fraction of 2^32, which becomes what is behind it. */
static inline uint32_t next_code(uint32_t *fraction, uint32_t kinds)
{
#ifdef __ARM_ARCH_6M__ /* no long multiplication: two short ones */
    const uint32_t low = (*fraction & 0xFFFFu) * kinds;
    const uint32_t high = (*fraction >> 16) * kinds + (low >> 16);
    *fraction *= kinds;
    return high >> 16;
#else
    const uint64_t product = (uint64_t)*fraction * kinds;
    *fraction = (uint32_t)product;
    return (uint32_t)(product >> 32);
#endif
}

/* A row of weights times x. */
static EP_NOINLINE int32_t sum(const ep_dense_codes_s8_params *p, place *at, const int8_t *values,
                               const int8_t *x)
{
    const uint32_t kinds = p->kinds;
    uint32_t fraction = at->fraction;
    int32_t left = at->left, n = p->in_len, acc = 0;
    do {
        if (left == 0) {
            fraction = *at->word++;
            left = p->digits;
        }
        const int32_t some = n < left ? n : left;
        n -= some;
        left -= some;
        const int8_t *const stop = x + some;
        do {
            acc += values[next_code(&fraction, kinds)] * *x++;
        } while (x != stop);
    } while (n != 0);
    at->fraction = fraction;
    at->left = left;
    return acc;
}

void ep_dense_codes_s8(const ep_dense_codes_s8_params *p, const uint32_t *codes,
                       const int8_t *values, const int32_t *bias, const int32_t *mult,
                       const int8_t *shift, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        place at = {codes, 0, 0};
        for (int32_t o = 0; o < p->out_len; o++) {
            const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sum(p, &at, values, x));
            /* ep_rescale_once for the shifts that there are. */
            const int32_t high = (int32_t)(((int64_t)acc * mult[o]) >> 32);
            const int32_t v = (high + ((int32_t)1 << (-2 - shift[o]))) >> (-1 - shift[o]);
            *y++ = (int8_t)ep_limit(v + p->y_zero, p->act_min, p->act_max);
        }
        x += p->in_len;
    }
}
