#include "ep_conv2d_s8_arm_mve.h"

#include <arm_mve.h>

#include "ep_spread_arm_mve.h"

/* Columns of one kernel row: count places of depth bytes, step apart. */
typedef struct {
    int8_t *to;
    int32_t step;
    int32_t depth;
    int32_t zero;
} places;

static void pad(places *at, int32_t count)
{
    const int8x16_t zero = vdupq_n_s8((int8_t)at->zero);
    for (; count > 0; count--) {
        for (int32_t k = 0; k < at->depth; k += 16) {
            vstrbq_p_s8(at->to + k, zero, vctp8q((uint32_t)(at->depth - k)));
        }
        at->to += at->step;
    }
}

/* Columns [left, left + count) of an input row; row is null where it lies in the padding. */
static void take(const ep_window *n, places *at, const int8_t *row, int32_t left, int32_t count)
{
    if (row == 0) {
        pad(at, count);
        return;
    }
    const int32_t before = ep_limit(-left, 0, count);
    const int32_t inside = ep_limit(n->in_w - left, before, count) - before;
    pad(at, before);
    if (inside > 0) {
        ep_spread_arm_mve(at->to, at->step, row + (left + before) * n->in_c, inside, n->in_c);
        at->to += inside * at->step;
    }
    pad(at, count - before - inside);
}

/* What `count` output pixels from (i, j) read. */
static void gather(const ep_conv2d_s8_arm_mve_params *p, const int8_t *x, int32_t i, int32_t j,
                   int32_t count, int8_t *columns)
{
    const ep_window *const n = &p->window;
    const int32_t left = j * n->stride_w - n->pad_left;
    for (int32_t r = 0; r < n->kernel_h; r++) {
        const int32_t top = i * n->stride_h - n->pad_top + r * n->dilation_h;
        const int8_t *const row =
            top >= 0 && top < n->in_h ? x + top * n->in_w * n->in_c : 0;
        places at = {columns + r * n->in_c, n->kernel_h * n->in_c, n->in_c, p->x_zero};
        if (n->dilation_w == 1 && p->step < n->kernel_w) {
            take(n, &at, row, left, (count - 1) * p->step + n->kernel_w);
            continue;
        }
        for (int32_t k = 0; k < count * n->kernel_w; k++) {
            const int32_t pixel = k / n->kernel_w;
            const int32_t tap = k - pixel * n->kernel_w;
            take(n, &at, row, left + pixel * n->stride_w + tap * n->dilation_w, 1);
        }
    }
}

void ep_conv2d_s8_arm_mve(const ep_conv2d_s8_arm_mve_params *p, const int8_t *w,
                          const int32_t *table, const int8_t *x, void *columns, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t x_step = p->step * n->kernel_h * n->in_c;
    for (int32_t i = 0; i < n->out_h; i++) {
        for (int32_t j = 0; j < n->out_w; j += p->block) {
            const int32_t left = n->out_w - j;
            const int32_t count = left < p->block ? left : p->block;
            gather(p, x, i, j, count, columns);
            ep_conv_line_arm_mve(&p->line, w, table, columns, x_step, count, y);
            y += count * n->out_c;
        }
    }
}
