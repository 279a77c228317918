#include "ep_lines.h"

#include <string.h>

/* Copies, or fills where from is NULL; by words where everything lies at words. */
static EP_NOINLINE void copy(uint8_t *to, const uint8_t *from, int32_t pad, int32_t bytes)
{
    const uint8_t *const end = to + bytes;
#ifdef __GNUC__
    if ((((uintptr_t)to | (uintptr_t)from | (uint32_t)bytes) & 3u) == 0) {
        const uint32_t word = (uint8_t)pad * (uint32_t)0x01010101;
        for (; to != end; to += 4) {
            const void *const four = from != NULL ? __builtin_assume_aligned(from, 4) : &word;
            memcpy(__builtin_assume_aligned(to, 4), four, 4);
            from += from != NULL ? 4 : 0;
        }
        return;
    }
#endif
    for (; to != end; to++) {
        *to = from != NULL ? *from++ : (uint8_t)pad;
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
            const int outside = at < 0 || at >= n->in_h || j < 0 || j >= n->in_w;
            copy(to, outside ? NULL : from + j * pitch, pad, pixel);
            to += step;
        }
    }
}
