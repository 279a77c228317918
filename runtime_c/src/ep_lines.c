#include "ep_lines.h"

#include <string.h>

/* By words where both ends lie at one. */
static void copy(uint8_t *to, const uint8_t *from, int32_t bytes)
{
    const uint8_t *const end = to + bytes;
#ifdef __GNUC__
    if ((((uintptr_t)to | (uintptr_t)from | (uint32_t)bytes) & 3u) == 0) {
        for (; to != end; to += 4, from += 4) {
            memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4), 4);
        }
        return;
    }
#endif
    while (to != end) {
        *to++ = *from++;
    }
}

void ep_lines_fill(const ep_window *n, int32_t row, int32_t pixel, int32_t pitch, int32_t pad,
                   const void *x, void *lines)
{
    const int32_t step = n->kernel_h * pixel;
    const int32_t end = ep_lines_width(n) - n->pad_left;
    for (int32_t i = 0; i < n->kernel_h; i++) {
        const int32_t at = row * n->stride_h + i * n->dilation_h - n->pad_top;
        const uint8_t *from = (const uint8_t *)x + at * n->in_w * pitch;
        uint8_t *to = (uint8_t *)lines + i * pixel;
        for (int32_t j = -n->pad_left; j < end; j++) {
            if (at < 0 || at >= n->in_h || j < 0 || j >= n->in_w) {
                memset(to, (int)pad, (size_t)pixel);
            } else {
                copy(to, from + j * pitch, pixel);
            }
            to += step;
        }
    }
}
