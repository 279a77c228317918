/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d_s8_arm_mve.h"

#include <arm_mve.h>

#include "ep_depthwise_line_arm_mve.h"
#include "ep_scatter_arm_mve.h"

#define CHANNELS 8 /* of a block of planes */
#define LANES 16
#define WORDS 3 /* of a channel's part of the table */

/* So that of the two forms of a line only the one in use is linked. */
#define ALWAYS __attribute__((always_inline))

typedef ep_depthwise_conv2d_s8_arm_mve_params params;

/* The zero point in `count` places of all channels. */
static void pad(const params *p, const ep_scatter *planes, int8_t *to, int32_t step, int32_t count)
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
static void take(const params *p, const ep_scatter *planes, const int8_t *x, int32_t line,
                 int32_t position, int32_t count, int8_t *to)
{
    if (line < 0 || line >= p->lines.in) {
        pad(p, planes, to, p->lines.kernel, count);
        return;
    }
    ep_scatter all = *planes;
    all.to = to;
    all.from = x + line * p->lines.in_step + position * p->pixels.in_step;
    all.count = count;
    ep_scatter_arm_mve(&all);
}

/* An input line (counted from the first of the padding) in column `slot` of the planes, for `count`
 * pixels from j. */
static void fill(const params *p, const ep_scatter *planes, const ep_span *span, const int8_t *x,
                 int32_t index, int32_t slot, int32_t j, int32_t count)
{
    const ep_axis *const pixels = &p->pixels;
    const int32_t line = index - p->lines.pad;
    int8_t *to = planes->to + slot;
    if (p->step < pixels->kernel) {
        if (span->inside > 0) {
            to += span->before * p->lines.kernel;
            take(p, planes, x, line, span->position, span->inside, to);
        }
        return;
    }
    for (int32_t k = 0; k < count; k++) { /* a place for each tap of each pixel */
        for (int32_t tap = 0; tap < pixels->kernel; tap++) {
            const int32_t position =
                (j + k) * pixels->stride - pixels->pad + tap * pixels->dilation;
            const int inside = position >= 0 && position < pixels->in;
            take(p, planes, x, inside ? line : -1, position, 1, to);
            to += p->lines.kernel;
        }
    }
}

/* Lines of `count` pixels from j, of the channels of one block. */
static inline ALWAYS void block(const params *p, ep_depthwise_line *out, const int8_t *order,
                                const int8_t *x, int32_t j, int32_t count,
                                const ep_scatter *planes, int pairs)
{
    const ep_axis *const lines = &p->lines;
    const ep_depthwise_line first = *out;
    const ep_span span = ep_span_of(&p->pixels, j, count, p->step);
    int32_t filled = 0;
    if (p->step < p->pixels.kernel) { /* nothing else is ever written there */
        pad(p, planes, planes->to, 1, span.before * lines->kernel);
        pad(p, planes, planes->to + (span.before + span.inside) * lines->kernel, 1,
            span.after * lines->kernel);
    }
    for (int32_t i = 0; i < lines->out; i++) {
        const int32_t top = i * lines->stride;
        int32_t turn = 0;
        if (lines->dilation == 1) {
            turn = top % lines->kernel;
            for (filled = filled < top ? top : filled; filled < top + lines->kernel; filled++) {
                fill(p, planes, &span, x, filled, filled % lines->kernel, j, count);
            }
        } else {
            for (int32_t r = 0; r < lines->kernel; r++) {
                fill(p, planes, &span, x, top + r * lines->dilation, r, j, count);
            }
        }
        out->order = order + turn * p->vectors * LANES;
        out->order_end = out->order + p->vectors * LANES;
        for (int32_t k = 0; k < p->multiplier; k++) {
            out->w = first.w + k * p->pixels.kernel * lines->kernel;
            out->table = first.table + k * WORDS;
            out->table_end = first.table_end + k * WORDS;
            out->y = first.y + i * lines->out_step + k;
            if (pairs) {
                ep_depthwise_line_pairs_arm_mve(out);
            } else {
                ep_depthwise_line_arm_mve(out);
            }
        }
    }
}

static inline ALWAYS void blocks(const params *p, const int8_t *w, const int32_t *table,
                                 const int8_t *order, const int8_t *x, void *planes, int8_t *y,
                                 int pairs)
{
    const ep_axis *const pixels = &p->pixels;
    const int32_t taps = pixels->kernel * p->lines.kernel;
    const int32_t patch_step = p->step * p->lines.kernel;
    const int32_t x_step = pairs ? 2 * patch_step : patch_step;
    for (int32_t c = 0; c < p->in_c; c += CHANNELS) {
        const int32_t channels = p->in_c - c < CHANNELS ? p->in_c - c : CHANNELS;
        const int32_t o = c * p->multiplier;
        const int32_t *const constants = table + o * WORDS;
        for (int32_t j = 0; j < pixels->out; j += p->block) {
            const int32_t count = pixels->out - j < p->block ? pixels->out - j : p->block;
            const ep_scatter into = {planes, 0, 0, channels, p->lines.kernel, pixels->in_step,
                                     p->plane};
            ep_depthwise_line line = {
                planes, w + o * taps, y + j * pixels->out_step + o, count, x_step,
                LANES - 8 * x_step, 8 * x_step - LANES * p->vectors, p->y_zero,
                8 * pixels->out_step, p->plane, p->multiplier * taps, p->multiplier,
                4 * WORDS * p->multiplier, constants + channels * p->multiplier * WORDS, order,
                order, constants, pixels->out_step, p->act_min, p->act_max};
            block(p, &line, order, x + c, j, count, &into, pairs);
        }
    }
}

void ep_depthwise_conv2d_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                    const int8_t *w, const int32_t *table, const int8_t *order,
                                    const int8_t *x, void *planes, int8_t *y)
{
    blocks(p, w, table, order, x, planes, y, 0);
}

void ep_depthwise_conv2d_pairs_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                          const int8_t *w, const int32_t *table,
                                          const int8_t *order, const int8_t *x, void *planes,
                                          int8_t *y)
{
    blocks(p, w, table, order, x, planes, y, 1);
}
