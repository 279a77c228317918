/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_move_rows.h"

#include <string.h>

void ep_move_rows(void *target, const void *source, int32_t bytes)
{
    uint8_t *to = (uint8_t *)target;
    const uint8_t *from = (const uint8_t *)source;
#ifdef __GNUC__
    enum { MOST = 16 }; /* bytes at a time */
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        for (; bytes >= MOST; bytes -= MOST, to += MOST, from += MOST) {
            uint32_t words[MOST / 4];
            memcpy(words, __builtin_assume_aligned(from, 4), MOST);
            memcpy(__builtin_assume_aligned(to, 4), words, MOST);
        }
    }
#endif
    for (; bytes > 0; bytes--) {
        *to++ = *from++;
    }
}
