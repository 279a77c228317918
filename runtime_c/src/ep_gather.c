/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_gather.h"

void ep_gather(const ep_gather_params *p, const uint16_t *index, const void *x, void *y)
{
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t r = 0; r < p->rows; r++) {
        for (int32_t i = 0; i < p->count; i++) {
            const uint8_t *const element = from + (int32_t)index[i] * p->bytes;
            for (int32_t k = 0; k < p->bytes; k++) {
                *to++ = element[k];
            }
        }
        from += p->in_bytes;
    }
}
