/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_s8_arm_mve.h"

#include "ep_copy_arm_mve.h"
#include "ep_spread_arm_mve.h"

typedef ep_conv2d_s8_arm_mve_params params;

/* The zero point in `count` places of `bytes` bytes. */
static void pad(const params *p, int8_t *to, int32_t step, int32_t count, int32_t bytes)
{
    const int8x16_t zero = vdupq_n_s8((int8_t)p->x_zero);
    for (; count > 0; count--) {
        for (int32_t k = 0; k < bytes; k += 16) {
            vstrbq_p_s8(to + k, zero, vctp8q((uint32_t)(bytes - k)));
        }
        to += step;
    }
}

/* What `count` places of a kernel line hold: the input from a position on, or its zero point. */
static void take(const params *p, const int8_t *x, int32_t line, int32_t position, int32_t count,
                 int8_t *to)
{
    const int32_t step = p->lines.kernel * p->in_c;
    if (line < 0 || line >= p->lines.in) {
        pad(p, to, step, count, p->in_c);
        return;
    }
    const ep_spread all = {to, x + line * p->lines.in_step + position * p->pixels.in_step, count,
                           p->in_c, step, p->pixels.in_step};
    ep_spread_arm_mve(&all);
}

/* `count` pixels from j of all lines. */
static void block(const params *p, const int8_t *w, const int32_t *table, const int8_t *x,
                  int32_t j, int32_t count, int8_t *gathered, int8_t *y)
{
    const ep_axis *const lines = &p->lines;
    const int32_t place = lines->kernel * p->in_c;
    const ep_span span = ep_span_of(&p->pixels, j, count);
    int8_t *const inside = gathered + span.before * place;
    pad(p, gathered, 0, 1, span.before * place); /* nothing else is ever written there */
    pad(p, inside + span.inside * place, 0, 1, span.after * place);
    const int32_t kept = lines->kernel - lines->stride;
    for (int32_t i = 0; i < lines->out; i++) {
        int32_t r = 0;
        if (i > 0 && kept > 0 && span.inside > 0) { /* what the line before has gathered moves up */
            const int32_t gone = lines->stride * p->in_c;
            ep_copy_arm_mve(inside, inside + gone, span.inside * place - gone);
            r = kept;
        }
        for (; r < lines->kernel && span.inside > 0; r++) {
            take(p, x, i * lines->stride - lines->pad + r, span.position, span.inside,
                 inside + r * p->in_c);
        }
        ep_conv_line_arm_mve(&p->line, w, table, gathered, p->pixels.stride * place, count,
                             y + i * lines->out_step + j * p->pixels.out_step,
                             p->pixels.out_step);
    }
}

static void group(const params *p, const int8_t *w, const int32_t *table, const int8_t *x,
                  int8_t *gathered, int8_t *y)
{
    for (int32_t j = 0; j < p->pixels.out; j += p->block) {
        const int32_t left = p->pixels.out - j;
        block(p, w, table, x, j, left < p->block ? left : p->block, gathered, y);
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
