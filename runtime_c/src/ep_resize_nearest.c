/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_resize_nearest.h"

#include <string.h>

void ep_resize_nearest(const ep_resize_nearest_params *p, const uint16_t *index, const void *x,
                       void *y)
{
    uint8_t *to = (uint8_t *)y;
    for (int32_t i = 0; i < p->out_h; i++) {
        const uint8_t *const row = (const uint8_t *)x + (int32_t)index[i] * p->in_row;
        for (int32_t j = 0; j < p->out_w; j++) {
            memcpy(to, row + (int32_t)index[p->out_h + j] * p->pixel, (size_t)p->pixel);
            to += p->pixel;
        }
    }
}
