/* SPDX-License-Identifier: Apache-2.0 */
/* gcc vectorises fully from -O3 on, clang from -O2. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#include "ep_dense_s8_vector.h"

#include "ep_tile_vector.h"

void ep_dense_s8_vector(const ep_dense_s8_params *p, const int8_t *w, const int32_t *bias,
                        const int32_t *mult, const int8_t *shift, const int8_t *x, void *scratch,
                        int8_t *y)
{
    const int32_t in_len = p->in_len, out_len = p->out_len;
    int16_t *const wide = (int16_t *)scratch;
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *from = w;
        int32_t o = 0;
        ep_widen_vector(wide, x, in_len);
        while (o < out_len) {
            int32_t sums[2 * EP_BLOCK];
            int32_t count = 2 * EP_BLOCK;
            if (out_len - o >= count) {
                ep_tile_blocks_vector(wide, from, in_len, sums);
            } else {
                sums[0] = ep_tile_single_vector(wide, from, in_len);
                count = 1;
            }
            from += count * in_len;
            for (int32_t i = 0; i < count; i++, o++) {
                /* The sum may wrap on its way to a result that does not. */
                const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sums[i]);
                const int32_t v = ep_rescale_once(acc, mult[o], shift[o]) + p->y_zero;
                *y++ = (int8_t)ep_limit(v, p->act_min, p->act_max);
            }
        }
        x += in_len;
    }
}
