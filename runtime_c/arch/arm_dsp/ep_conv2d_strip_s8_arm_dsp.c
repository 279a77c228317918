#include "ep_conv2d_strip_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

typedef ep_conv2d_strip_s8_arm_dsp_params params;

/* One kernel row of one output pixel whose input lies partly in the border, or is not contiguous. */
static EP_NOINLINE void gather(const params *p, const int8_t *row, int32_t left, int8_t *to)
{
    const int8_t border = (int8_t)p->zero;
    for (int32_t kx = p->kernel_w; kx > 0; kx--, left += p->dilation_w) {
        const int32_t inside = row != 0 && left >= 0 && left < p->in_w;
        const int8_t *from = inside ? row + left * p->in_c : &border;
        for (int32_t c = p->in_c; c > 0; c--, from += inside) {
            *to++ = *from;
        }
    }
}

/* Four runs of n channels into planes of four pixels; returns what follows them. */
static uint32_t *widen(const int8_t *const run[4], int32_t n, uint32_t *to)
{
    const int8_t *a = run[0];
    const int8_t *b = run[1];
    const int8_t *c = run[2];
    const int8_t *d = run[3];
    for (; n >= 4; n -= 4) {
        const uint32_t x0 = ep_load4(a);
        const uint32_t x1 = ep_load4(b);
        const uint32_t x2 = ep_load4(c);
        const uint32_t x3 = ep_load4(d);
        a += 4;
        b += 4;
        c += 4;
        d += 4;
        to[0] = ep_even_bytes(x0);
        to[1] = ep_even_bytes(x1);
        to[2] = ep_even_bytes(x2);
        to[3] = ep_even_bytes(x3);
        to[4] = ep_odd_bytes(x0);
        to[5] = ep_odd_bytes(x1);
        to[6] = ep_odd_bytes(x2);
        to[7] = ep_odd_bytes(x3);
        to += 8;
    }
    for (; n > 0; n -= 2) {
        const int32_t second = n > 1;
        *to++ = ep_pair(a[0], second ? a[1] : 0);
        *to++ = ep_pair(b[0], second ? b[1] : 0);
        *to++ = ep_pair(c[0], second ? c[1] : 0);
        *to++ = ep_pair(d[0], second ? d[1] : 0);
        a += 2;
        b += 2;
        c += 2;
        d += 2;
    }
    return to;
}

/* The input of four output pixels from `at` on; the last pixel stands in for those behind it. */
static void fill_strip(const params *p, const int8_t *x, int32_t at, int8_t *bordered, uint32_t *to)
{
    const int32_t n = p->kernel_w * p->in_c;
    const int32_t last = p->out_h * p->out_w - 1;
    const int32_t row_bytes = p->in_w * p->in_c;
    int32_t tops[4];
    int32_t lefts[4];
    for (int32_t i = 0; i < 4; i++) {
        const int32_t pixel = at + i < last ? at + i : last;
        const int32_t oy = pixel / p->out_w;
        tops[i] = oy * p->stride_h - p->pad_top;
        lefts[i] = (pixel - oy * p->out_w) * p->stride_w - p->pad_left;
    }
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int8_t *run[4];
        for (int32_t i = 0; i < 4; i++) {
            const int32_t iy = tops[i] + ky * p->dilation_h;
            const int8_t *row = iy >= 0 && iy < p->in_h ? x + iy * row_bytes : 0;
            if (row != 0 && lefts[i] >= 0 && lefts[i] <= p->last_left) {
                run[i] = row + lefts[i] * p->in_c;
            } else {
                run[i] = bordered + i * n;
                gather(p, row, lefts[i], bordered + i * n);
            }
        }
        to = widen(run, n, to);
    }
}

void ep_conv2d_strip_s8_arm_dsp(const params *p, const void *w, const int32_t *table, const int8_t *x,
                                void *scratch, int8_t *y)
{
    int8_t *const bordered = (int8_t *)scratch + p->strip_bytes;
    const int32_t pairs = p->out_c / 2;
    const int32_t pixels = p->out_h * p->out_w;
    ep_arm_dsp_window window = {0, 0, 0, 0, 0, p->out_c, p->twice_zero, 0};
    for (int32_t at = 0; at < pixels; at += 4) {
        if (at + 4 > pixels && p->step_back) {
            at = pixels - 4; /* some once more, in place of a tile for what is left */
        }
        fill_strip(p, x, at, bordered, scratch);
        const int32_t whole = at + 4 <= pixels;
        const ep_arm_dsp_tile *const tile = whole ? &p->tile : &p->tail;
        const ep_arm_dsp_tile *const solo = whole ? &p->solo : &p->solo_tail;
        int8_t *const to = y + at * p->out_c;
        window.start = (const uint32_t *)((const char *)scratch + (whole ? p->ahead : 0));
        window.end = (const uint32_t *)((const char *)window.start + p->strip_bytes);
        window.wrap_end = window.end;
        if (pairs > 0) {
            window.count = pairs;
            window.body = tile->body;
            tile->engine(w, &window, table, to);
        }
        if (p->out_c % 2 != 0) {
            window.count = 1;
            window.body = solo->body;
            solo->engine((const int8_t *)w + pairs * p->pair_bytes, &window, table + pairs * 6,
                         to + p->out_c - 1);
        }
    }
}
