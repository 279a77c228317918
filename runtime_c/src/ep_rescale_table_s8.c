/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_rescale.h"

void ep_rescale_table_s8(const ep_rescale_s8_params *p, const uint8_t *rows, int32_t *to)
{
    int32_t block = p->block;
    for (int32_t left = p->n; left > 0; left -= block) {
        if (left < block) {
            block = 1;
        }
        int32_t *pair = to + block;
        uint32_t before = 0;
        for (int32_t k = 0; k < block; k++) {
            int32_t more = 0;
            uint32_t bias = (uint32_t)ep_short_bias(rows, p->up);
            pair[0] = (int32_t)ep_short_mult(p->unit, rows[0], &more);
            pair[1] = p->shift - more;
            if ((k & 1) != 0) {
                pair[1] += p->ahead;
                if (p->tied != 0) {
                    bias = before + (bias << 8);
                }
            }
            *to++ = (int32_t)bias;
            before = bias;
            pair += 2;
            rows += EP_SHORT_BYTES;
        }
        to = pair;
    }
}
