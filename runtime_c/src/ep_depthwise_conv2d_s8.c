#include "ep_depthwise_conv2d_s8.h"

#include "ep_lines.h"

/* Four channels at two positions: sums[k][c] += sum_i x[i][c] * w[i][c]. A step leads from one tap
 * to the next. */
static EP_NOINLINE void tile_block(const int8_t *x, const int8_t *x1, int32_t step,
                                   const int8_t *w, int32_t taps, int32_t *sums)
{
    int32_t a0 = sums[0], b0 = sums[1], c0 = sums[2], d0 = sums[3];
    int32_t a1 = sums[4], b1 = sums[5], c1 = sums[6], d1 = sums[7];
    const int8_t *const end = w + 4 * taps;
    while (w != end) {
        int32_t v = w[0];
        a0 += v * x[0];
        a1 += v * x1[0];
        v = w[1];
        b0 += v * x[1];
        b1 += v * x1[1];
        v = w[2];
        c0 += v * x[2];
        c1 += v * x1[2];
        v = w[3];
        d0 += v * x[3];
        d1 += v * x1[3];
        x += step;
        x1 += step;
        w += 4;
    }
    sums[0] = a0;
    sums[1] = b0;
    sums[2] = c0;
    sums[3] = d0;
    sums[4] = a1;
    sums[5] = b1;
    sums[6] = c1;
    sums[7] = d1;
}

/* One channel at two positions. */
static EP_NOINLINE void tile_single(const int8_t *x, const int8_t *x1, int32_t step,
                                    const int8_t *w, int32_t taps, int32_t *sums)
{
    for (int32_t i = 0; i < taps; i++) {
        sums[0] += w[i] * x[i * step];
        sums[EP_BLOCK] += w[i] * x1[i * step];
    }
}

void ep_depthwise_conv2d_s8(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                            const int32_t *bias, const int32_t *mult, const int8_t *shift,
                            const int8_t *x, void *scratch, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t column = n->kernel_h * n->in_c;
    /* A window is one piece, or, with dilation, one a column. */
    const int32_t pieces = n->dilation_w == 1 ? 1 : n->kernel_w;
    const int32_t taps = n->kernel_h * (n->dilation_w == 1 ? n->kernel_w : 1);
    const int32_t next = n->stride_w * column;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int8_t *lines = (const int8_t *)scratch;
        ep_lines_fill(n, i, n->in_c, n->in_c, p->x_zero, x, scratch);
        for (int32_t j = 0; j < n->out_w; j += 2) {
            const int32_t pair = j + 1 < n->out_w ? 1 : 0;
            const int8_t *from = w;
            int8_t *const to = y + (i * n->out_w + j) * n->out_c;
            for (int32_t o = 0; o < n->out_c;) {
                int32_t sums[2 * EP_BLOCK];
                const int32_t whole = p->multiplier == 1 && n->out_c - o >= EP_BLOCK;
                const int32_t count = whole ? EP_BLOCK : 1;
                const int32_t channel = whole ? o : o / p->multiplier;
                for (int32_t k = 0; k < 2 * EP_BLOCK; k++) {
                    sums[k] = 0;
                }
                for (int32_t k = 0; k < pieces; k++) {
                    const int8_t *const at = lines + k * n->dilation_w * column + channel;
                    const int8_t *const second = at + pair * next;
                    if (whole) {
                        tile_block(at, second, n->in_c, from, taps, sums);
                    } else {
                        tile_single(at, second, n->in_c, from, taps, sums);
                    }
                    from += count * taps;
                }
                ep_finish_s8(&p->output, bias + o, mult + o, shift + o, sums,
                             sums + pair * EP_BLOCK, count, to + o, to + pair * n->out_c + o);
                o += count;
            }
            lines += 2 * next;
        }
    }
}
