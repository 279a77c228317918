/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_tile_strip.h"

#include "ep_tile.h"

EP_WEAK void ep_tile_strip_s8(const ep_strip_s8 *s, const int8_t *x, const int8_t *w, int8_t *y)
{
    const ep_finish finish = {{s->zero, -128, 127, 1}, s->bias, s->mult, s->shift};
    for (int32_t o = 0; o < s->count; o += EP_BLOCK) {
        int32_t sums[2 * EP_BLOCK];
        ep_tile_pair_s8(x, x + s->next, w, s->n, sums);
        ep_finish_s8(&finish, o, EP_BLOCK, sums, y + o, s->pitch);
        w += EP_BLOCK * s->n;
    }
}
