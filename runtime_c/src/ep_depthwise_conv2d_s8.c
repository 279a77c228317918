/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d.h"

#include "ep_lines.h"
#include "ep_taps.h"
#include "ep_taps_strip.h"

/* Windows in lines: one piece, or, with dilation, one piece a column. */
typedef struct {
    int32_t pieces;
    int32_t taps; /* of a piece */
    int32_t step; /* from one piece to the next */
    int32_t next; /* from one position to the next */
    int32_t in_c;
} ep_pieces;

/* sums[k][c] of one piece for count channels (EP_BLOCK or 1) at one or two positions k. */
static inline void tile(const ep_pieces *f, int32_t pair, int32_t count, const int8_t *x,
                        const int8_t *w, int32_t *sums)
{
    if (count != 1) {
        if (pair != 0) {
            ep_taps_pair_s8(x, x + f->next, f->in_c, w, f->taps, sums);
        } else {
            ep_taps_block_s8(x, f->in_c, w, f->taps, sums);
        }
        return;
    }
    sums[0] = ep_taps_single_s8(x, f->in_c, w, f->taps);
    if (pair != 0) {
        sums[EP_BLOCK] = ep_taps_single_s8(x + f->next, f->in_c, w, f->taps);
    }
}

static EP_NOINLINE void add_piece(const ep_pieces *f, int32_t pair, int32_t count, const int8_t *x,
                                  const int8_t *w, int32_t *sums)
{
    int32_t more[2 * EP_BLOCK];
    tile(f, pair, count, x, w, more);
    for (int32_t i = 0; i < count; i++) {
        sums[i] += more[i];
        if (pair != 0) {
            sums[EP_BLOCK + i] += more[EP_BLOCK + i];
        }
    }
}

void ep_depthwise_conv2d_s8(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                            const int32_t *bias, const int32_t *mult, const int8_t *shift,
                            const int8_t *x, void *scratch, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t column = n->kernel_h * n->in_c;
    const int32_t whole = n->dilation_w == 1;
    const ep_pieces f = {whole ? 1 : n->kernel_w, whole ? n->kernel_h * n->kernel_w : n->kernel_h,
                         n->dilation_w * column, n->stride_w * column, n->in_c};
    const int32_t out_c = n->out_c, out_w = n->out_w, multiplier = p->multiplier;
    const ep_finish finish = {p->output, bias, mult, shift};
    ep_strip_s8 strip = ep_strip_of(&finish, 0, multiplier == 1 && f.pieces == 1 ? out_c : 0);
    strip.n = f.taps;
    strip.step = n->in_c;
    strip.next = f.next;
    strip.pitch = out_c;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int8_t *lines = (const int8_t *)scratch;
        ep_lines_fill(n, i, n->in_c, n->in_c, p->x_zero, x, scratch);
        for (int32_t j = 0; j < out_w; j += 2) {
            const int32_t pair = out_w - j >= 2 ? 1 : 0;
            const int8_t *from = w;
            int32_t count = EP_BLOCK;
            int32_t o = 0;
            if (EP_STRIPS != 0 && pair != 0 && strip.count != 0) {
                ep_taps_strip_s8(&strip, lines, from, y);
                from += strip.count * f.taps;
                o = strip.count;
            }
            for (; o < out_c; o += count) {
                int32_t sums[2 * EP_BLOCK];
                if (multiplier != 1 || out_c - o < EP_BLOCK) {
                    count = 1;
                }
                const int8_t *const at = lines + (multiplier == 1 ? o : o / multiplier);
                tile(&f, pair, count, at, from, sums);
                from += count * f.taps;
                for (int32_t k = 1; k < f.pieces; k++) {
                    add_piece(&f, pair, count, at + k * f.step, from, sums);
                    from += count * f.taps;
                }
                ep_finish_s8(&finish, o, count, sums, y + o, pair * out_c);
            }
            lines += 2 * f.next;
            y += (1 + pair) * out_c;
        }
    }
}
