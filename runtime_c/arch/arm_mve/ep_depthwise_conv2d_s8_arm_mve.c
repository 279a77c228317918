/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d_s8_arm_mve.h"

#include <arm_mve.h>

#include "ep_depthwise_line_arm_mve.h"
#include "ep_scatter_arm_mve.h"

#define CHANNELS 8 /* of a block of planes */
#define LANES 16
#define WORDS 3 /* of a channel's part of the table */

typedef ep_depthwise_conv2d_s8_arm_mve_params params;
typedef void line_function(const ep_depthwise_line *);

/* The zero point in `count` places of all channels. */
static EP_NOINLINE void pad(const params *p, const ep_scatter *planes, int8_t *to, int32_t step, int32_t count)
{
    const int16x8_t zero = vdupq_n_s16((int16_t)p->x_zero);
    const uint16x8_t lanes = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)planes->plane_step);
    const mve_pred16_t inside = vctp16q((uint32_t)planes->channels);
    for (; count > 0; count--) {
        vstrbq_scatter_offset_p_s16(to, lanes, zero, inside);
        to += step;
    }
}

/* What `count` places hold: an input line from a position on, or the zero point. */
static void take(const params *p, ep_scatter *planes, const int8_t *x, int32_t line,
                 int32_t position, int32_t count, int8_t *to)
{
    if (line < 0 || line >= p->lines.in) {
        pad(p, planes, to, p->lines.kernel, count);
        return;
    }
    planes->to = to;
    planes->from = x + line * p->lines.in_step + position * p->pixels.in_step;
    planes->count = count;
    ep_scatter_arm_mve(planes);
}

/* Lines of `count` pixels from j, of the channels of one block. */
static void block(const params *p, ep_depthwise_line *out, const int8_t *order, const int8_t *x,
                  int32_t j, int32_t count, ep_scatter *planes, line_function *line_of)
{
    const ep_axis *const lines = &p->lines;
    const ep_depthwise_line first = *out;
    const ep_span span = ep_span_of(&p->pixels, j, count);
    int8_t *const places = planes->to;
    int8_t *const inside = places + span.before * lines->kernel;
    /* nothing else is ever written there */
    pad(p, planes, places, 1, span.before * lines->kernel);
    pad(p, planes, inside + span.inside * lines->kernel, 1, span.after * lines->kernel);
    const int32_t stays = lines->stride < lines->kernel ? lines->kernel - lines->stride : 0;
    int32_t turn = 0; /* the column of the window's first line */
    int32_t r = 0;    /* lines of the window that are there */
    for (int32_t i = 0, top = -lines->pad; i < lines->out; i++, top += lines->stride) {
        for (; r < lines->kernel && span.inside > 0; r++) {
            const int32_t slot = turn + r < lines->kernel ? turn + r : turn + r - lines->kernel;
            take(p, planes, x, top + r, span.position, span.inside, inside + slot);
        }
        out->order = order + turn * p->vectors * LANES;
        out->order_end = out->order + p->vectors * LANES;
        for (int32_t k = 0; k < p->multiplier; k++) {
            out->w = first.w + k * p->pixels.kernel * lines->kernel;
            out->table = first.table + k * WORDS;
            out->table_end = first.table_end + k * WORDS;
            out->y = first.y + i * lines->out_step + k;
            line_of(out);
        }
        r = stays;
        turn = turn < stays ? turn + lines->kernel - stays : turn - stays;
    }
}

static EP_NOINLINE void blocks(const params *p, const int8_t *w, const int32_t *table,
                               const int8_t *order, const int8_t *x, void *planes, int8_t *y,
                               int32_t patches, line_function *line_of)
{
    const ep_axis *const pixels = &p->pixels;
    const int32_t taps = pixels->kernel * p->lines.kernel;
    const int32_t x_step = patches * pixels->stride * p->lines.kernel;
    for (int32_t c = 0; c < p->in_c; c += CHANNELS) {
        const int32_t channels = p->in_c - c < CHANNELS ? p->in_c - c : CHANNELS;
        const int32_t o = c * p->multiplier;
        const int32_t *const constants = table + o * WORDS;
        for (int32_t j = 0; j < pixels->out; j += p->block) {
            const int32_t count = pixels->out - j < p->block ? pixels->out - j : p->block;
            ep_scatter into = {planes, 0, 0, channels, p->lines.kernel, pixels->in_step,
                               p->plane};
            ep_depthwise_line line = {
                planes, w + o * taps, y + j * pixels->out_step + o, count, x_step,
                LANES - 8 * x_step, 8 * x_step - LANES * p->vectors, p->y_zero,
                8 * pixels->out_step, p->plane, p->multiplier * taps, p->multiplier,
                4 * WORDS * p->multiplier, constants + channels * p->multiplier * WORDS, order,
                order, constants, pixels->out_step, p->act_min, p->act_max};
            block(p, &line, order, x + c, j, count, &into, line_of);
        }
    }
}

void ep_depthwise_conv2d_s8_arm_mve(const params *p, const int8_t *w, const int32_t *table,
                                    const int8_t *order, const int8_t *x, void *planes, int8_t *y)
{
    blocks(p, w, table, order, x, planes, y, 1, ep_depthwise_line_arm_mve);
}

void ep_depthwise_conv2d_pairs_s8_arm_mve(const params *p, const int8_t *w, const int32_t *table,
                                          const int8_t *order, const int8_t *x, void *planes, int8_t *y)
{
    blocks(p, w, table, order, x, planes, y, 2, ep_depthwise_line_pairs_arm_mve);
}

void ep_depthwise_conv2d_three_s8_arm_mve(const params *p, const int8_t *w, const int32_t *table,
                                          const int8_t *order, const int8_t *x, void *planes, int8_t *y)
{
    blocks(p, w, table, order, x, planes, y, 2, ep_depthwise_three_arm_mve);
}

void ep_depthwise_conv2d_three_strided_s8_arm_mve(const params *p, const int8_t *w, const int32_t *table,
                                                  const int8_t *order, const int8_t *x, void *planes, int8_t *y)
{
    blocks(p, w, table, order, x, planes, y, 2, ep_depthwise_three_strided_arm_mve);
}
