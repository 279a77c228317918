/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_move_rows.h"

#include <string.h>

void ep_move_rows(void *target, const void *source, int32_t bytes)
{
    uint8_t *to = (uint8_t *)target;
    const uint8_t *from = (const uint8_t *)source;
#ifdef __GNUC__
    enum { MOST = 32, WORD = 4 }; /* bytes at a time, MOST where they lie apart from where they go */
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0 && ((uintptr_t)from - (uintptr_t)to) >= MOST) {
        for (; bytes >= MOST; bytes -= MOST, to += MOST, from += MOST) {
            memcpy(__builtin_assume_aligned(to, WORD), __builtin_assume_aligned(from, WORD), MOST);
        }
    }
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        for (; bytes >= WORD; bytes -= WORD, to += WORD, from += WORD) {
            uint32_t word;
            memcpy(&word, __builtin_assume_aligned(from, WORD), WORD);
            memcpy(__builtin_assume_aligned(to, WORD), &word, WORD);
        }
    }
#endif
    for (; bytes > 0; bytes--) {
        *to++ = *from++;
    }
}
