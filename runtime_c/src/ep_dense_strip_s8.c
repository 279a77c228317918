/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_strip.h"

#include "ep_tile.h"

EP_WEAK void ep_dense_strip_s8(const ep_strip_s8 *s, const int8_t *x, const int8_t *w, int8_t *y)
{
    for (int32_t o = 0; o < s->count; o += 2 * EP_BLOCK) {
        int32_t sums[2 * EP_BLOCK];
        ep_tile_blocks_s8(x, w, s->n, sums);
        w += 2 * EP_BLOCK * s->n;
        for (int32_t i = 0; i < 2 * EP_BLOCK; i++) {
            const int32_t v = (int32_t)((uint32_t)s->bias[o + i] + (uint32_t)sums[i]);
            const int32_t scaled = ep_rescale_once(v, s->mult[o + i], s->shift[o + i]);
            *y++ = (int8_t)ep_limit(scaled + s->zero, -128, 127);
        }
    }
}
