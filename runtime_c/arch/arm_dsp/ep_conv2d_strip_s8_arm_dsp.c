#include "ep_conv2d_strip_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

typedef ep_conv2d_strip_s8_arm_dsp_params params;

/* One kernel row of one output pixel whose input lies partly in the border, or is not contiguous. */
static void gather(const params *p, const int8_t *row, int32_t left, int8_t *to)
{
    for (int32_t kx = 0; kx < p->kernel_w; kx++, left += p->dilation_w) {
        const int8_t *x = row && left >= 0 && left < p->in_w ? row + left * p->in_c : 0;
        for (int32_t c = 0; c < p->in_c; c++) {
            *to++ = x ? x[c] : (int8_t)p->zero;
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

void ep_conv2d_strip_s8_arm_dsp(const params *p, const void *w, const int32_t *table, const int8_t *x,
                                void *scratch, int8_t *y)
{
    const int32_t n = p->kernel_w * p->in_c;
    const int32_t words = p->kernel_h * ((n + 1) / 2) * 4;
    int8_t *const bordered = (int8_t *)((uint32_t *)scratch + words);
    const int32_t pairs = p->out_c / 2;
    ep_arm_dsp_window window = {0, 0, 0, 0, 0, 0, 0, 0};
    window.pitch = p->out_c;
    window.twice_zero = p->twice_zero;
    int32_t top = -p->pad_top;
    int32_t left = -p->pad_left;
    int32_t column = 0;
    for (int32_t pixels = p->out_h * p->out_w; pixels > 0; pixels -= 4) {
        int32_t tops[4];
        int32_t lefts[4];
        for (int32_t i = 0; i < 4; i++) {
            tops[i] = top;
            lefts[i] = left;
            if (i + 1 < pixels) { /* the last pixel stands in for those that are not there */
                left += p->stride_w;
                if (++column == p->out_w) {
                    column = 0;
                    left = -p->pad_left;
                    top += p->stride_h;
                }
            }
        }
        uint32_t *to = scratch;
        for (int32_t ky = 0; ky < p->kernel_h; ky++) {
            const int8_t *run[4];
            for (int32_t i = 0; i < 4; i++) {
                const int32_t iy = tops[i] + ky * p->dilation_h;
                const int8_t *row = iy >= 0 && iy < p->in_h ? x + iy * p->in_w * p->in_c : 0;
                run[i] = row ? row + lefts[i] * p->in_c : 0;
                if (!row || lefts[i] < 0 || lefts[i] + p->kernel_w > p->in_w
                    || (p->dilation_w > 1 && p->kernel_w > 1)) {
                    run[i] = bordered + i * n;
                    gather(p, row, lefts[i], bordered + i * n);
                }
            }
            to = widen(run, n, to);
        }
        const int32_t ahead = pixels >= 4 ? p->ahead : 0;
        const ep_arm_dsp_tile *const tile = pixels >= 4 ? &p->tile : &p->tail;
        const ep_arm_dsp_tile *const solo = pixels >= 4 ? &p->solo : &p->solo_tail;
        window.start = (const uint32_t *)((const char *)scratch + ahead);
        window.end = window.start + words;
        window.wrap_end = window.end;
        if (pairs > 0) {
            window.count = pairs;
            window.body = tile->body;
            tile->engine(w, &window, table, y);
        }
        if (p->out_c % 2 != 0) {
            window.count = 1;
            window.body = solo->body;
            solo->engine((const int8_t *)w + pairs * p->pair_bytes, &window, table + pairs * 6,
                         y + p->out_c - 1);
        }
        y += 4 * p->out_c;
    }
}
