/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_rescale.h"

void ep_rescale_s8(const ep_rescale_s8_params *p, const uint8_t *rows, int32_t *to)
{
    int32_t block = p->block;
    for (int32_t left = p->n; left > 0; left -= block) {
        if (left < block) {
            block = 1;
        }
        int32_t *const mult = to + block;
        int8_t *const shift = (int8_t *)(void *)(mult + block);
        for (int32_t k = 0; k < block; k++) {
            int32_t more = 0;
            to[k] = ep_short_bias(rows, p->up);
            mult[k] = (int32_t)ep_short_mult(p->unit, rows[0], &more);
            more += p->shift;
            if (block == 1) {
                mult[1] = more;
            } else {
                shift[k] = (int8_t)more;
            }
            rows += EP_SHORT_BYTES;
        }
        to = mult + block + (block == 1 ? 1 : block / 4);
    }
}
