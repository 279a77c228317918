/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_resize_nearest.h"

#include "ep_copy_bytes.h"

void ep_resize_nearest(const ep_resize_nearest_params *p, const uint16_t *index, const void *x,
                       void *y)
{
    uint8_t *to = (uint8_t *)y;
    const uint16_t *const rows = index + p->out_w + p->first;
    for (int32_t i = 0; i < p->out_h; i++) {
        const uint8_t *const row = (const uint8_t *)x + (rows[i] - p->above) * p->in_row;
        for (int32_t j = 0; j < p->out_w; j++) {
            ep_copy_bytes(to, row + index[j] * p->pixel, (size_t)p->pixel);
            to += p->pixel;
        }
    }
}
