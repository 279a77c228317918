/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_COPY_BYTES_H
#define EP_COPY_BYTES_H

#include "ep_common.h"

#include <string.h>

/* n bytes to where they do not overlap. */
static inline void ep_copy_bytes(void *target, const void *source, size_t n)
{
#if EP_SMALL_LOOPS
    uint8_t *to = (uint8_t *)target;
    const uint8_t *from = (const uint8_t *)source;
    enum { WORD = 4 };
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0) {
        for (; n >= WORD; n -= WORD, to += WORD, from += WORD) {
            uint32_t word;
            memcpy(&word, __builtin_assume_aligned(from, WORD), WORD);
            memcpy(__builtin_assume_aligned(to, WORD), &word, WORD);
            EP_STAY();
        }
    }
    for (; n > 0; n--) {
        *to++ = *from++;
        EP_STAY();
    }
#else
    memcpy(target, source, n);
#endif
}
#endif
