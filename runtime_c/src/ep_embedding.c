/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_embedding.h"

#include "ep_copy_bytes.h"

void ep_embedding(const ep_embedding_params *p, const void *table, const int32_t *x, void *y)
{
    const uint8_t *const rows = (const uint8_t *)table;
    uint8_t *to = (uint8_t *)y;
    for (int32_t i = 0; i < p->count; i++) {
        int32_t at = x[i] < p->rows ? x[i] : p->rows - 1;
        at = at < 0 ? 0 : at;
        ep_copy_bytes(to, rows + (size_t)at * (size_t)p->bytes, (size_t)p->bytes);
        to += p->bytes;
    }
}
