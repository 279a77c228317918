/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_taps_strip.h"

#include "ep_taps.h"

EP_WEAK void ep_taps_strip_s8(const ep_strip_s8 *s, const int8_t *x, const int8_t *w, int8_t *y)
{
    const ep_finish finish = {{s->zero, -128, 127, 1}, s->bias, s->mult, s->shift};
    for (int32_t o = 0; o < s->count; o += EP_BLOCK) {
        int32_t sums[2 * EP_BLOCK];
        ep_taps_pair_s8(x, x + s->next, s->step, w, s->n, sums);
        ep_finish_s8(&finish, o, EP_BLOCK, sums, y + o, s->pitch);
        x += EP_BLOCK;
        w += EP_BLOCK * s->n;
    }
}
