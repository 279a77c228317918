/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_svdf_feature.h"

#include "ep_tile.h"

void ep_svdf_feature_s8(const ep_svdf_feature_s8_params *p, const int8_t *w, const int32_t *bias,
                        const int8_t *x, int16_t *y)
{
    int32_t o = 0;
    while (o < p->filters) {
        int32_t sums[EP_BLOCK];
        int32_t count = EP_BLOCK;
        if (p->filters - o >= EP_BLOCK) {
            ep_tile_block_s8(x, w, p->inputs, sums);
        } else {
            sums[0] = ep_tile_single_s8(x, w, p->inputs);
            count = 1;
        }
        w += count * p->inputs;
        for (int32_t i = 0; i < count; i++, o++) {
            const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sums[i]);
            const int32_t v = ep_rescale(acc, p->mult, p->shift);
            y[o] = (int16_t)ep_limit(v, -32768L, 32767L);
        }
    }
}
