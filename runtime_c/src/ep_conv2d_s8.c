#include "ep_conv2d_s8.h"

#include "ep_lines.h"
#include "ep_tile_s8.h"

/* Windows in lines: one piece, or, with dilation, one piece a column. */
typedef struct {
    int32_t pieces;
    int32_t piece; /* elements of a piece */
    int32_t step;  /* from one piece to the next */
    int32_t next;  /* from one position to the next */
} ep_pieces;

/* sums[k][c] of one piece for count channels (EP_BLOCK or 1) at one or two positions k. */
static inline void tile(const ep_pieces *f, int32_t pair, int32_t count, const int8_t *x,
                        const int8_t *w, int32_t *sums)
{
    if (count != 1) {
        if (pair != 0) {
            ep_tile_pair_s8(x, x + f->next, w, f->piece, sums);
        } else {
            ep_tile_block_s8(x, w, f->piece, sums);
        }
        return;
    }
    sums[0] = ep_tile_single_s8(x, w, f->piece);
    if (pair != 0) {
        sums[EP_BLOCK] = ep_tile_single_s8(x + f->next, w, f->piece);
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

void ep_conv2d_s8(const ep_conv2d_s8_params *p, const int8_t *w, const int32_t *bias,
                  const int32_t *mult, const int8_t *shift, const int8_t *x, void *scratch,
                  int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t depth = n->in_c / p->groups;
    const int32_t filters = n->out_c / p->groups;
    const int32_t column = n->kernel_h * depth;
    const int32_t length = n->kernel_w * column;
    const int32_t whole = n->dilation_w == 1;
    const ep_pieces f = {whole ? 1 : n->kernel_w, whole ? length : column, n->dilation_w * column,
                         n->stride_w * (p->direct != 0 ? n->in_c : column)};
    const ep_finish finish = {p->output, bias, mult, shift};
    const int32_t out_w = n->out_w, out_c = n->out_c;
    for (int32_t i = 0; i < n->out_h; i++) {
        for (int32_t group = 0; group < p->groups; group++) {
            const int8_t *lines = x + group * depth;
            const int32_t first = group * filters;
            if (p->direct != 0) {
                lines += i * n->stride_h * n->in_w * n->in_c;
            } else {
                ep_lines_fill(n, i, depth, n->in_c, p->x_zero, lines, scratch);
                lines = (const int8_t *)scratch;
            }
            int8_t *to = y;
            for (int32_t j = 0; j < out_w; j += 2) {
                const int32_t pair = out_w - j >= 2 ? 1 : 0;
                const int8_t *from = w + first * length;
                int32_t count = EP_BLOCK;
                for (int32_t o = first; o < first + filters; o += count) {
                    int32_t sums[2 * EP_BLOCK];
                    if (first + filters - o < EP_BLOCK) {
                        count = 1;
                    }
                    tile(&f, pair, count, lines, from, sums);
                    for (int32_t k = 1; k < f.pieces; k++) {
                        add_piece(&f, pair, count, lines + k * f.step, from + k * count * f.piece,
                                  sums);
                    }
                    from += count * length;
                    ep_finish_s8(&finish, o, count, sums, to + o, pair * out_c);
                }
                lines += 2 * f.next;
                to += 2 * out_c;
            }
        }
        y += out_w * out_c;
    }
}
