/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_s8_arm_dsp.h"

#include <stddef.h>

#include "ep_arm_dsp_common.h"

typedef ep_conv2d_s8_arm_dsp_params ring_params;

static EP_NOINLINE void fill(uint32_t *to, int32_t words, uint32_t value)
{
    for (int32_t i = 0; i < words; i++) {
        to[i] = value;
    }
}

/* `count` pixels, `step` bytes apart, of four channels into two planes. Loops that count down in twos
 * are wrong for what is left over in gcc 12.2 for Cortex-M55 with -Os. */
static EP_NOINLINE void widen4(const int8_t *x, int32_t step, int32_t count, uint32_t *to, int32_t plane_words)
{
    uint32_t *even = to;
    uint32_t *odd = to + plane_words;
    for (int32_t pairs = count / 2; pairs > 0; pairs--) {
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
    if (count % 2 != 0) {
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

/* Which words of a phase take pixels of the input: those whose padded column, word * stride + offset,
 * lies on it. */
typedef struct {
    int32_t first; /* the first word */
    int32_t count;
    int32_t source; /* its input column */
} span;

static EP_NOINLINE span inside(const ring_params *p, int32_t offset)
{
    span s;
    s.first = offset >= p->pad_left ? 0 : (p->pad_left - offset + p->stride_w - 1) / p->stride_w;
    s.source = s.first * p->stride_w + offset - p->pad_left;
    s.count = (p->in_w - s.source + p->stride_w - 1) / p->stride_w;
    s.count = s.count < p->phase_words - s.first ? s.count : p->phase_words - s.first;
    return s;
}

/* One channel into every other int16. */
static EP_NOINLINE void widen1(const int8_t *x, int32_t step, int32_t count, ep_lane *to)
{
    for (int32_t pairs = count / 2; pairs > 0; pairs--) {
        const int8_t a = x[0];
        const int8_t b = x[step];
        x += 2 * step;
        to[0] = a;
        to[2] = b;
        to += 4;
    }
    if (count % 2 != 0) {
        *to = *x;
    }
}

/* One input row of one group into one row of the ring; the border columns are there already. */
static void widen_row(const ring_params *p, const int8_t *row, uint32_t *to)
{
    const int32_t plane_words = p->phases * p->phase_words;
    const int32_t depth = p->in_c / p->groups;
    const int32_t step = p->stride_w * p->in_c;
    for (int32_t phase = 0; phase < p->phases; phase++, to += p->phase_words) {
        const int32_t offset = phase * (p->stride_w / p->phases);
        span s = inside(p, offset);
        const int8_t *x = row + s.source * p->in_c;
        uint32_t *plane = to + s.first;
        int32_t left = depth;
        for (; left >= 4; left -= 4) {
            widen4(x, step, s.count, plane, plane_words);
            x += 4;
            plane += 2 * plane_words;
        }
        if (left >= 2) {
            widen2(x, step, s.count, plane);
            x += 2;
            plane += plane_words;
        }
        if (depth % 2 != 0) { /* words of (pixel, pixel + dilation) */
            widen1(x, step, s.count, (ep_lane *)plane);
            plane -= s.first;
            s = inside(p, offset + p->dilation_w);
            x = row + s.source * p->in_c + depth - 1;
            widen1(x, step, s.count, (ep_lane *)(plane + s.first) + 1);
        }
    }
}

/* A row of the ring: widened input, or all border; a mirrored ring holds it twice. */
static void load_row(const ring_params *p, const int8_t *x, int32_t iy, uint32_t *to, int32_t row_words)
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

/* Pointers `bytes` further. */
static void move(ep_arm_dsp_window *x, int32_t bytes)
{
    x->start = (const uint32_t *)((const char *)x->start + bytes);
    x->end = (const uint32_t *)((const char *)x->end + bytes);
    x->wrap = (const uint32_t *)((const char *)x->wrap + bytes);
    x->wrap_end = (const uint32_t *)((const char *)x->wrap_end + bytes);
}

/* One row of outputs of `count` pairs of channels (or of one channel). */
static void tiles(const ring_params *p, ep_arm_dsp_window x, const ep_arm_dsp_tile *tile,
                  const ep_arm_dsp_tile *tail, const int8_t *w, const int32_t *table, int8_t *y)
{
    int32_t left = p->out_w;
    move(&x, p->ahead);
    x.body = tile->body;
    for (; left >= 4; left -= 4) {
        tile->engine(w, &x, table, y);
        move(&x, 16);
        y += 4 * p->pitch;
    }
    if (left > 0) {
        move(&x, -p->ahead);
        x.body = tail->body;
        tail->engine(w, &x, table, y);
    }
}

/* One group of channels. */
static void convolve(const ring_params *p, const int8_t *w, const int32_t *table, const int8_t *x,
                     uint32_t *ring, int8_t *y)
{
    const int32_t row_words = (p->in_c / p->groups + 1) / 2 * p->phases * p->phase_words;
    const int32_t ring_words = p->kernel_h * row_words;
    const int32_t filters = p->out_c / p->groups;
    const int32_t pairs = filters / 2;
    int32_t next = 0; /* first padded row that the ring does not hold yet */
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
        window.pitch = p->pitch;
        window.twice_zero = p->twice_zero;
        window.count = pairs;
        if (pairs > 0) {
            tiles(p, window, &p->tile, &p->tail, w, table, y);
        }
        if (filters % 2 != 0) {
            window.count = 1;
            tiles(p, window, &p->solo, &p->solo_tail, w + pairs * p->pair_bytes, table + pairs * 6,
                  y + filters - 1);
        }
        y += p->out_w * p->pitch;
    }
}

void ep_conv2d_s8_arm_dsp(const ring_params *p, const void *w, const int32_t *table, const int8_t *x,
                          void *scratch, int8_t *y)
{
    const int32_t depth = p->in_c / p->groups;
    const int32_t filters = p->out_c / p->groups;
    const int8_t *weights = w;
    fill(scratch, p->kernel_h * ((depth + 1) / 2) * p->phases * p->phase_words,
         ep_pair(p->zero, p->zero));
    for (int32_t group = 0; group < p->groups; group++) {
        convolve(p, weights, table, x, scratch, y);
        weights += filters * (p->pair_bytes / 2);
        table += filters * 3;
        x += depth;
        y += filters;
    }
}
