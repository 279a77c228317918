/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv_line_arm_mve.h"

#include "ep_conv_single_arm_mve.h"

#define BLOCK 4
#define FOUR 4 /* pixels of a channel alone */
#define LANES 16
#define WORDS 9 /* of a block's part of the table */

static void pairs(const ep_conv_line *p, const ep_conv_pairs *all)
{
    if (p->relu) {
        ep_conv_pairs_relu_arm_mve(all);
    } else {
        ep_conv_pairs_arm_mve(all);
    }
}

/* So many blocks of four channels. */
static void blocks(const ep_conv_line *p, int32_t count, const int8_t *w, const int32_t *table,
                   const int8_t *x, int32_t x_step, int32_t pixels, int8_t *y, int32_t y_step)
{
    const int32_t tail = p->in_len % LANES;
    ep_conv_pairs all = {
        x, x + x_step,
        p->in_len / (2 * LANES) * 4 - p->in_len / LANES % 2 - (tail > 0 ? 2 : 0), p->y_zero, y_step,
        table + count * WORDS, 0, tail, pixels / 2,
        2 * x_step, 2 * y_step - count * BLOCK, w, table, y, 0, 0, p->act_min, p->act_max};
    if (all.pairs > 0) {
        pairs(p, &all);
    }
    if (pixels % 2 != 0) { /* the last pixel is a pair with itself */
        all.x0 = x + (pixels - 1) * x_step;
        all.x1 = all.x0;
        all.y_step = 0;
        all.y = y + (pixels - 1) * y_step;
        all.pairs = 1;
        pairs(p, &all);
    }
}

/* The channel of one table and one row of weights. */
static void single(const ep_conv_line *p, const int8_t *w, const int32_t *table, const int8_t *x,
                   int32_t x_step, int32_t pixels, int8_t *y, int32_t y_step)
{
    ep_conv_single some = {w, pixels / FOUR, y_step, table, p, x, y, x_step, p->in_len};
    if (pixels >= FOUR) {
        ep_conv_single_arm_mve(&some);
        if (pixels % FOUR == 0) {
            return;
        }
        some.fours = 1; /* the last four, some of them once more */
        some.x = x + (pixels - FOUR) * x_step;
        some.y = y + (pixels - FOUR) * y_step;
        ep_conv_single_arm_mve(&some);
        return;
    }
    some.fours = 1; /* all of one pixel */
    some.x_step = 0;
    some.y_step = 0;
    for (; pixels > 0; pixels--) {
        ep_conv_single_arm_mve(&some);
        some.x += x_step;
        some.y += y_step;
    }
}

void ep_conv_line_arm_mve(const ep_conv_line *p, const int8_t *w, const int32_t *table,
                          const int8_t *x, int32_t x_step, int32_t pixels, int8_t *y,
                          int32_t y_step)
{
    const int32_t blocked = p->out_c / BLOCK * BLOCK;
    if (blocked > 0) {
        blocks(p, blocked / BLOCK, w, table, x, x_step, pixels, y, y_step);
        w += blocked * p->in_len;
        table += blocked / BLOCK * WORDS;
    }
    for (int32_t o = blocked; o < p->out_c; o++) {
        single(p, w, table, x, x_step, pixels, y + o, y_step);
        w += p->in_len;
        table += 3;
    }
}
