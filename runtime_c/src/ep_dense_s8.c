/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense.h"

#include "ep_dense_strip.h"
#include "ep_tile.h"

void ep_dense_s8(const ep_dense_s8_params *p, const int8_t *w, const int32_t *bias,
                 const int32_t *mult, const int8_t *shift, const int8_t *x, int8_t *y)
{
    const int32_t in_len = p->in_len, out_len = p->out_len;
    const int32_t zero = p->y_zero, low = p->act_min, high = p->act_max;
    const int32_t quick = p->quick != 0 ? out_len & ~(2 * EP_BLOCK - 1) : 0;
    const ep_strip_s8 strip = {quick, in_len, 0, 0, 0, zero, bias, mult, shift};
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *from = w;
        int32_t o = 0;
        if (EP_STRIPS != 0 && strip.count != 0) {
            ep_dense_strip_s8(&strip, x, w, y);
            from += strip.count * in_len;
            y += strip.count;
            o = strip.count;
        }
        while (o < out_len) {
            int32_t sums[2 * EP_BLOCK];
            int32_t count = 2 * EP_BLOCK;
            if (out_len - o >= 2 * EP_BLOCK) {
                ep_tile_blocks_s8(x, from, in_len, sums);
            } else if (out_len - o >= EP_BLOCK) {
                ep_tile_block_s8(x, from, in_len, sums);
                count = EP_BLOCK;
            } else {
                sums[0] = ep_tile_single_s8(x, from, in_len);
                count = 1;
            }
            from += count * in_len;
            for (int32_t i = 0; i < count; i++, o++) {
                /* The sum may wrap on its way to a result that does not. */
                const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sums[i]);
                const int32_t v = ep_rescale_once(acc, mult[o], shift[o]) + zero;
                *y++ = (int8_t)ep_limit(v, low, high);
            }
        }
        x += in_len;
    }
}
