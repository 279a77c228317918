#include "ep_conv2d_s8_arm_dsp.h"

#include <stddef.h>

#include "ep_arm_dsp_common.h"

typedef ep_conv2d_s8_arm_dsp_params params;

static void fill(uint32_t *to, int32_t words, uint32_t value)
{
    for (int32_t i = 0; i < words; i++) {
        to[i] = value;
    }
}

/* `count` pixels, `step` bytes apart, of four channels into two planes. */
static void widen4(const int8_t *x, int32_t step, int32_t count, uint32_t *to, int32_t plane_words)
{
    uint32_t *even = to;
    uint32_t *odd = to + plane_words;
    for (; count >= 2; count -= 2) {
        const uint32_t a = ep_load4(x);
        const uint32_t b = ep_load4(x + step);
        x += 2 * step;
        even[0] = ep_even_bytes(a);
        even[1] = ep_even_bytes(b);
        even += 2;
        odd[0] = ep_odd_bytes(a);
        odd[1] = ep_odd_bytes(b);
        odd += 2;
    }
    if (count > 0) {
        *even = ep_even_bytes(ep_load4(x));
        *odd = ep_odd_bytes(ep_load4(x));
    }
}

/* Two channels into one plane. */
static void widen2(const int8_t *x, int32_t step, int32_t count, uint32_t *to)
{
    for (; count > 0; count--) {
        *to++ = ep_pair(x[0], x[1]);
        x += step;
    }
}

/* One channel into one plane of (pixel, pixel + dilation): each pixel is the low half of its own word
 * and the high half of the word `dilation` columns before. */
static void widen1(const params *p, const int8_t *row, uint32_t *to)
{
    int16_t *lanes = (int16_t *)to;
    const int32_t step = p->stride_w / p->phases;
    for (int32_t low = 0; low < 2; low++) {
        int32_t column = p->pad_left - (low ? 0 : p->dilation_w);
        const int8_t *x = row + p->in_c - 1;
        for (int32_t i = 0; i < p->in_w; i++, column++, x += p->in_c) {
            const int32_t word = column / p->stride_w;
            const int32_t offset = column - word * p->stride_w;
            if (column >= 0 && word < p->phase_words && offset % step == 0) {
                const int32_t at = offset / step * p->phase_words + word;
                lanes[2 * at + (low ? 0 : 1)] = *x;
            }
        }
    }
}

/* One input row into one row of the ring; the border columns are there already. */
static void widen_row(const params *p, const int8_t *row, uint32_t *to)
{
    const int32_t plane_words = p->phases * p->phase_words;
    const int32_t step = p->stride_w / p->phases;
    const int32_t pairs = p->in_c / 2;
    for (int32_t phase = 0; phase < p->phases; phase++) {
        /* Padded column of the first pixel of this phase, and how many follow. */
        int32_t first = (p->pad_left - phase * step + p->stride_w - 1) / p->stride_w;
        const int32_t source = first * p->stride_w + phase * step - p->pad_left;
        int32_t count = (p->in_w - source + p->stride_w - 1) / p->stride_w;
        if (count > p->phase_words - first) {
            count = p->phase_words - first;
        }
        const int8_t *x = row + source * p->in_c;
        uint32_t *plane = to + phase * p->phase_words + first;
        int32_t done = 0;
        for (; done + 2 <= pairs; done += 2) {
            widen4(x, p->stride_w * p->in_c, count, plane, plane_words);
            x += 4;
            plane += 2 * plane_words;
        }
        if (done < pairs) {
            widen2(x, p->stride_w * p->in_c, count, plane);
        }
    }
    if (p->in_c % 2 != 0) {
        widen1(p, row, to + pairs * plane_words);
    }
}

/* A row of the ring: widened input, or all border; a mirrored ring holds it twice. */
static void load_row(const params *p, const int8_t *x, int32_t iy, uint32_t *to, int32_t row_words)
{
    const uint32_t *const from = to;
    if (iy < 0 || iy >= p->in_h) {
        fill(to, row_words, ep_pair(p->zero, p->zero));
    } else {
        widen_row(p, x + iy * p->in_w * p->in_c, to);
    }
    if (p->mirrored) {
        to += p->kernel_h * row_words;
        for (int32_t i = 0; i < row_words; i++) {
            to[i] = from[i];
        }
    }
}

/* One row of outputs of `count` pairs of channels (or of one channel). */
static void tiles(const params *p, ep_arm_dsp_window x, ep_arm_dsp_tile *tile, ep_arm_dsp_tile *tail,
                  const int8_t *w, const int32_t *table, int8_t *y)
{
    int32_t left = p->out_w;
    for (; left >= 4; left -= 4) {
        tile(w, &x, table, y);
        x.start += 4;
        x.end += 4;
        x.wrap += 4;
        x.wrap_end += 4;
        y += 4 * p->out_c;
    }
    if (left > 0) {
        tail(w, &x, table, y);
    }
}

void ep_conv2d_s8_arm_dsp(const params *p, const int8_t *w, const int32_t *table, const int8_t *x,
                          void *scratch, int8_t *y)
{
    uint32_t *const ring = scratch;
    const int32_t row_words = (p->in_c + 1) / 2 * p->phases * p->phase_words;
    const int32_t ring_words = p->kernel_h * row_words;
    const int32_t pairs = p->out_c / 2;
    int32_t next = 0; /* first padded row that the ring does not hold yet */
    fill(ring, ring_words, ep_pair(p->zero, p->zero));
    for (int32_t oy = 0; oy < p->out_h; oy++) {
        const int32_t top = oy * p->stride_h;
        int32_t first = 0; /* place of the top row in the ring */
        for (int32_t ky = 0; ky < p->kernel_h; ky++) {
            const int32_t padded = top + ky * p->dilation_h;
            const int32_t place = p->dilation_h == 1 ? padded % p->kernel_h : ky;
            first = ky == 0 ? place : first;
            if (p->dilation_h != 1 || padded >= next) {
                load_row(p, x, padded - p->pad_top, ring + place * row_words, row_words);
                next = padded + 1;
            }
        }
        ep_arm_dsp_window window;
        window.start = ring + first * row_words;
        window.end = p->mirrored ? window.start + ring_words : ring + ring_words;
        window.wrap = ring;
        window.wrap_end = first == 0 ? window.end : window.start;
        window.pitch = p->out_c;
        window.twice_zero = p->twice_zero;
        window.count = pairs;
        if (pairs > 0) {
            tiles(p, window, p->tile, p->tail, w, table, y);
        }
        if (p->out_c % 2 != 0) {
            window.count = 1;
            tiles(p, window, p->solo, p->solo_tail, w + pairs * p->pair_bytes, table + pairs * 6,
                  y + p->out_c - 1);
        }
        y += p->out_w * p->out_c;
    }
}
