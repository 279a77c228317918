#include "ep_conv2d_s8_arm_mve.h"

#include <arm_mve.h>

#include "ep_spread_arm_mve.h"

/* Where the places of one kernel line go. */
typedef struct {
    int8_t *to;
    int32_t step;
    int32_t bytes;
    int32_t zero;
} places;

static void pad(places *at, int32_t count)
{
    const int8x16_t zero = vdupq_n_s8((int8_t)at->zero);
    for (; count > 0; count--) {
        for (int32_t k = 0; k < at->bytes; k += 16) {
            vstrbq_p_s8(at->to + k, zero, vctp8q((uint32_t)(at->bytes - k)));
        }
        at->to += at->step;
    }
}

/* Positions [first, first + count) of an input line; it is null where it lies in the padding. */
static void take(const ep_axis *pixels, places *at, const int8_t *line, int32_t first, int32_t count)
{
    if (line == 0) {
        pad(at, count);
        return;
    }
    const int32_t before = ep_limit(-first, 0, count);
    const int32_t inside = ep_limit(pixels->in - first, before, count) - before;
    pad(at, before);
    if (inside > 0) {
        const ep_spread all = {at->to, line + (first + before) * pixels->in_step, inside,
                               at->bytes, at->step, pixels->in_step};
        ep_spread_arm_mve(&all);
        at->to += inside * at->step;
    }
    pad(at, count - before - inside);
}

/* What `count` output pixels from (i, j) read. */
static void gather(const ep_conv2d_s8_arm_mve_params *p, const int8_t *x, int32_t i, int32_t j,
                   int32_t count, int8_t *to)
{
    const ep_axis *const lines = &p->lines;
    const ep_axis *const pixels = &p->pixels;
    const int32_t first = j * pixels->stride - pixels->pad;
    for (int32_t r = 0; r < lines->kernel; r++) {
        const int32_t at_line = i * lines->stride - lines->pad + r * lines->dilation;
        const int8_t *const line =
            at_line >= 0 && at_line < lines->in ? x + at_line * lines->in_step : 0;
        places at = {to + r * p->in_c, lines->kernel * p->in_c, p->in_c, p->x_zero};
        if (p->step < pixels->kernel) {
            take(pixels, &at, line, first, (count - 1) * p->step + pixels->kernel);
            continue;
        }
        for (int32_t k = 0; k < count; k++) {
            for (int32_t tap = 0; tap < pixels->kernel; tap++) {
                const int32_t position = first + k * pixels->stride + tap * pixels->dilation;
                take(pixels, &at, line, position, 1);
            }
        }
    }
}

static void group(const ep_conv2d_s8_arm_mve_params *p, const int8_t *w, const int32_t *table,
                  const int8_t *x, int8_t *gathered, int8_t *y)
{
    const int32_t x_step = p->step * p->lines.kernel * p->in_c;
    for (int32_t i = 0; i < p->lines.out; i++) {
        for (int32_t j = 0; j < p->pixels.out; j += p->block) {
            const int32_t left = p->pixels.out - j;
            const int32_t count = left < p->block ? left : p->block;
            gather(p, x, i, j, count, gathered);
            ep_conv_line_arm_mve(&p->line, w, table, gathered, x_step, count,
                                 y + i * p->lines.out_step + j * p->pixels.out_step,
                                 p->pixels.out_step);
        }
    }
}

void ep_conv2d_s8_arm_mve(const ep_conv2d_s8_arm_mve_params *p, const int8_t *w,
                          const int32_t *table, const int8_t *x, void *gathered, int8_t *y)
{
    for (int32_t g = 0; g < p->groups; g++) {
        group(p, w + g * p->w_group, table + g * p->table_group, x + g * p->in_c, gathered,
              y + g * p->line.out_c);
    }
}
