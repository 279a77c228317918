/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_copy_rows.h"

#include "ep_copy_bytes.h"

void ep_copy_rows(int32_t rows, size_t bytes, size_t pitch, const void *x, void *y)
{
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t i = 0; i < rows; i++) {
        ep_copy_bytes(to, from, bytes);
        from += bytes;
        to += pitch;
    }
}
