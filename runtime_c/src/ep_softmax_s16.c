/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_softmax.h"

/* Nine bits of at choose an entry, seven lie between two. */
static int32_t look_up(const int16_t *table, int32_t at)
{
    const int16_t *const entry = table + 256 + (at >> 7);
    return entry[0] + (((entry[1] - entry[0]) * (at & 127) + 64) >> 7);
}

static int32_t exponential(const ep_softmax_s16_params *p, const int16_t *exps, int32_t diff)
{
    const int32_t at = ep_rescale(diff, p->mult, p->shift) + 32767;
    return look_up(exps, ep_limit(at, -32768L, 32767));
}

void ep_softmax_s16(const ep_softmax_s16_params *p, const int16_t *exps, const int16_t *reciprocals,
                    const int16_t *x, int16_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t top = -32768L;
        for (int32_t i = 0; i < p->length; i++) {
            top = x[i] > top ? x[i] : top;
        }
        int32_t sum = 0;
        for (int32_t i = 0; i < p->length; i++) {
            sum += exponential(p, exps, x[i] - top);
        }
        int32_t headroom = 0; /* zero bits above the highest one */
        while (((uint32_t)sum << headroom & 0x80000000u) == 0) {
            headroom++;
        }
        const int32_t shifted =
            (int32_t)((((uint32_t)sum << (headroom - 1)) + ((uint32_t)1 << 13)) >> 14);
        const int32_t centred = shifted - ((int32_t)3 << 15);
        const int32_t reciprocal = look_up(reciprocals, ep_limit(centred, -32768L, 32767));
        const int32_t right = 31 - headroom;
        for (int32_t i = 0; i < p->length; i++) {
            const int32_t product = exponential(p, exps, x[i] - top) * reciprocal;
            const int32_t v = (product + ((int32_t)1 << (right - 1))) >> right;
            y[i] = (int16_t)ep_limit(v, 0, 32767);
        }
        x += p->length;
        y += p->length;
    }
}
