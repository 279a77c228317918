#include "ep_dense_s8_w4.h"

#include "ep_tile_s8_w4.h"

void ep_dense_s8_w4(const ep_dense_s8_params *p, const uint8_t *w, const int32_t *bias,
                    const int32_t *mult, const int8_t *shift, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        const uint8_t *from = w;
        for (int32_t o = 0; o < p->out_len;) {
            int32_t sums[EP_BLOCK];
            ep_tile_block_s8_w4(x, from, p->in_len, sums);
            from += EP_BLOCK * p->in_len / 2;
            for (int32_t i = 0; i < EP_BLOCK && o < p->out_len; i++, o++) {
                /* The sum may wrap on its way to a result that does not. */
                const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sums[i]);
                const int32_t v = ep_rescale_once(acc, mult[o], shift[o]) + p->y_zero;
                *y++ = (int8_t)ep_limit(v, p->act_min, p->act_max);
            }
        }
        x += p->in_len;
    }
}
