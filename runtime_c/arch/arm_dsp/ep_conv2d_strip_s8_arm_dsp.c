/* SPDX-License-Identifier: Apache-2.0 */
/* Small at any level: the time goes into the assembly that is called here. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("Os")
#endif

#include "ep_conv2d_strip_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"
#include "ep_common.h"

typedef ep_conv2d_strip_s8_arm_dsp_params strip_params;

/* One kernel row of one output pixel whose input lies partly in the border, or is not contiguous. */
static EP_NOINLINE void gather(const strip_params *p, const int8_t *row, int32_t left, int8_t *to)
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

/* Fours of channels, at least one, of four runs into two planes of four pixels each; returns what follows.
 * r0 to r3 runs, r12 planes, lr fours left. */
static EP_NOINLINE uint32_t *widen_fours(const int8_t *const run[4], int32_t fours, uint32_t *to)
{
    register const int8_t *const *r0 __asm__("r0") = run;
    register int32_t r1 __asm__("r1") = fours;
    register uint32_t *r2 __asm__("r2") = to;
    __asm__ volatile(
        " push {r7, r11}\n"
        " mov lr, r1\n"
        " mov r12, r2\n"
        " ldm r0, {r0-r3}\n"
        "1:\n"
        " ldr r4, [r0], #4\n"
        " ldr r5, [r1], #4\n"
        " ldr r6, [r2], #4\n"
        " ldr r7, [r3], #4\n"
        " sxtb16 r8, r4\n"
        " sxtb16 r9, r5\n"
        " sxtb16 r10, r6\n"
        " sxtb16 r11, r7\n"
        " stm r12!, {r8-r11}\n"
        " sxtb16 r4, r4, ror #8\n"
        " sxtb16 r5, r5, ror #8\n"
        " sxtb16 r6, r6, ror #8\n"
        " sxtb16 r7, r7, ror #8\n"
        " stm r12!, {r4-r7}\n"
        " subs lr, lr, #1\n"
        " bne 1b\n"
        " mov r2, r12\n"
        " pop {r7, r11}\n"
        : "+r"(r0), "+r"(r1), "+r"(r2)
        :
        : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "cc", "memory");
    return r2;
}

/* Four runs of n channels into planes of four pixels; returns what follows them. */
static uint32_t *widen(const int8_t *const run[4], int32_t n, uint32_t *to)
{
    if (n >= 4) {
        to = widen_fours(run, n / 4, to);
    }
    for (int32_t k = n - n % 4; k < n; k += 2) {
        for (int32_t i = 0; i < 4; i++) {
            *to++ = ep_pair(run[i][k], k + 1 < n ? run[i][k + 1] : 0);
        }
    }
    return to;
}

/* The input of four output pixels from `at` on; the last pixel stands in for those behind it. */
static void fill_strip(const strip_params *p, const int8_t *x, int32_t at, int8_t *bordered, uint32_t *to)
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

void ep_conv2d_strip_s8_arm_dsp(const strip_params *p, const void *w, const int32_t *table, const int8_t *x,
                                void *scratch, int8_t *y)
{
    int8_t *const bordered = (int8_t *)scratch + p->strip_bytes;
    const int32_t pairs = p->out_c / 2;
    const int32_t pixels = p->out_h * p->out_w;
    ep_arm_dsp_window window = {0, 0, 0, 0, 0, p->pitch, p->twice_zero, 0};
    for (int32_t at = 0; at < pixels; at += 4) {
        fill_strip(p, x, at, bordered, scratch);
        const int32_t spilt = at + 4 > pixels && p->spill;
        const int32_t whole = at + 4 <= pixels || spilt;
        const ep_arm_dsp_tile *const tile = whole ? &p->tile : &p->tail;
        const ep_arm_dsp_tile *const solo = whole ? &p->solo : &p->solo_tail;
        int8_t *const here = y + at * p->pitch;
        int8_t *const to = spilt ? bordered + 4 * p->kernel_w * p->in_c : here;
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
        for (int32_t i = spilt ? (pixels - at) * p->out_c - 1 : -1; i >= 0; i--) {
            here[i] = to[i];
        }
    }
}
