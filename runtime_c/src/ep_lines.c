/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_lines.h"

#include <string.h>

#ifdef __GNUC__
static inline uint32_t word(const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, __builtin_assume_aligned(at, 4), 4);
    return v;
}

static inline void put_word(uint8_t *at, uint32_t v)
{
    memcpy(__builtin_assume_aligned(at, 4), &v, 4);
}
#endif

EP_WEAK EP_NOINLINE void ep_lines_copy(void *target, const void *source, int32_t bytes)
{
    uint8_t *to = (uint8_t *)target;
    const uint8_t *from = (const uint8_t *)source;
    const uint8_t *const end = to + bytes;
#ifdef __GNUC__
    if ((((uintptr_t)to | (uintptr_t)from | (uint32_t)bytes) & 3u) == 0) {
        const uint8_t *const fours = to + EP_UNROLL * (bytes & ~15);
        for (; to != fours; to += 16, from += 16) {
            /* All are read before one is written: a line moves within itself. */
            const uint32_t a = word(from), b = word(from + 4), c = word(from + 8), d = word(from + 12);
            put_word(to, a);
            put_word(to + 4, b);
            put_word(to + 8, c);
            put_word(to + 12, d);
        }
        for (; to != end; to += 4, from += 4) {
            put_word(to, word(from));
        }
        return;
    }
#endif
    while (to != end) {
        *to++ = *from++;
    }
}

/* A row of pixels, step bytes apart, all padding. */
static void pad_row(uint8_t *to, int32_t count, int32_t step, int32_t pad, int32_t pixel)
{
    for (; count > 0; count--) {
        for (int32_t k = 0; k < pixel; k++) {
            to[k] = (uint8_t)pad;
        }
        to += step;
    }
}

void ep_lines_fill(const ep_window *n, int32_t row, int32_t pixel, int32_t pitch, int32_t pad,
                   const void *x, void *lines)
{
    const int32_t step = n->kernel_h * pixel;
    const int32_t width = ep_lines_width(n);
    const int32_t left = n->pad_left < width ? n->pad_left : width;
    const int32_t inside = width - left < n->in_w ? width - left : n->in_w;
    int32_t i = 0;
    if (row > 0 && n->dilation_h == 1 && n->stride_h < n->kernel_h) {
        const int32_t gone = n->stride_h * pixel;
        ep_lines_copy(lines, (const uint8_t *)lines + gone, width * step - gone);
        i = n->kernel_h - n->stride_h;
    }
    for (; i < n->kernel_h; i++) {
        const int32_t at = row * n->stride_h + i * n->dilation_h - n->pad_top;
        const uint8_t *from = (const uint8_t *)x + at * n->in_w * pitch;
        uint8_t *to = (uint8_t *)lines + i * pixel;
        if (at < 0 || at >= n->in_h) {
            pad_row(to, width, step, pad, pixel);
            continue;
        }
        pad_row(to, left, step, pad, pixel);
        to += left * step;
        for (int32_t j = 0; j < inside; j++) {
            ep_lines_copy(to, from, pixel);
            from += pitch;
            to += step;
        }
        pad_row(to, width - left - inside, step, pad, pixel);
    }
}
