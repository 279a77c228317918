/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense.h"

#include "ep_tile.h"

/* The product has up to 78 bits: its lowest 16 are dropped first, which changes no result. */
static int64_t rescale(int32_t acc, int64_t mult, int32_t shift)
{
    const int64_t low = acc * (mult & 0xFFFF);
    const int64_t product = acc * (mult >> 16) + (low >> 16);
    return (product + ((int64_t)1 << (shift - 17))) >> (shift - 16);
}

void ep_dense_s16(const ep_dense_s8_params *p, const int8_t *w, const int32_t *bias,
                  const int64_t *mult, const int8_t *shift, const int16_t *x, int16_t *y)
{
    const int32_t in_len = p->in_len;
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *from = w;
        for (int32_t o = 0; o < p->out_len;) {
            int32_t sums[EP_BLOCK];
            const int32_t count = p->out_len - o >= EP_BLOCK ? EP_BLOCK : 1;
            if (count == 1) {
                sums[0] = ep_tile_single_s16(x, from, in_len);
            } else {
                ep_tile_block_s16(x, from, in_len, sums);
            }
            from += count * in_len;
            for (int32_t i = 0; i < count; i++, o++) {
                /* The sum may wrap on its way to a result that does not. */
                const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sums[i]);
                const int64_t v = rescale(acc, mult[o], shift[o]) + p->y_zero;
                const int64_t above = v < p->act_min ? p->act_min : v;
                *y++ = (int16_t)(above > p->act_max ? p->act_max : above);
            }
        }
        x += in_len;
    }
}
