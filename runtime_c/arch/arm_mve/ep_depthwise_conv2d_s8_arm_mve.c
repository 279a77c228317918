#include "ep_depthwise_conv2d_s8_arm_mve.h"

#include <arm_mve.h>

#include "ep_depthwise_line_arm_mve.h"
#include "ep_scatter_arm_mve.h"

#define CHANNELS 8 /* of a block of planes */
#define LANES 16
#define WORDS 3 /* of a channel's part of the table */

typedef ep_depthwise_conv2d_s8_arm_mve_params params;

static void pad(const params *p, ep_scatter *at, int32_t count)
{
    const int16x8_t zero = vdupq_n_s16((int16_t)p->x_zero);
    const uint16x8_t lanes = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)at->plane_step);
    const mve_pred16_t inside = vctp16q((uint32_t)at->channels);
    for (; count > 0; count--) {
        vstrbq_scatter_offset_p_s16(at->to, lanes, zero, inside);
        at->to += at->to_step;
    }
}

/* Positions [first, first + count) of an input line; it is null where it lies in the padding. */
static void take(const params *p, ep_scatter *at, const int8_t *line, int32_t first, int32_t count)
{
    const ep_axis *const pixels = &p->pixels;
    if (line == 0) {
        pad(p, at, count);
        return;
    }
    const int32_t before = ep_limit(-first, 0, count);
    const int32_t inside = ep_limit(pixels->in - first, before, count) - before;
    pad(p, at, before);
    if (inside > 0) {
        at->from = line + (first + before) * pixels->in_step;
        at->count = inside;
        ep_scatter_arm_mve(at);
        at->to += inside * at->to_step;
    }
    pad(p, at, count - before - inside);
}

/* An input line (counted from the first of the padding) for `count` pixels from j. */
static void fill(const params *p, const int8_t *x, int32_t index, int32_t j, int32_t count,
                 ep_scatter at)
{
    const ep_axis *const pixels = &p->pixels;
    const int32_t i = index - p->lines.pad;
    const int8_t *const line = i >= 0 && i < p->lines.in ? x + i * p->lines.in_step : 0;
    const int32_t first = j * pixels->stride - pixels->pad;
    if (p->step < pixels->kernel) {
        take(p, &at, line, first, (count - 1) * p->step + pixels->kernel);
        return;
    }
    for (int32_t k = 0; k < count; k++) {
        for (int32_t tap = 0; tap < pixels->kernel; tap++) {
            take(p, &at, line, first + k * pixels->stride + tap * pixels->dilation, 1);
        }
    }
}

/* Lines of `count` pixels from j, of the channels of one block. */
static void block(const params *p, ep_depthwise_line *out, const int8_t *order, const int8_t *x,
                  int32_t j, int32_t count, const ep_scatter *planes)
{
    const ep_axis *const lines = &p->lines;
    const ep_depthwise_line first = *out;
    int32_t filled = 0;
    for (int32_t i = 0; i < lines->out; i++) {
        const int32_t top = i * lines->stride;
        int32_t turn = 0;
        if (lines->dilation == 1) {
            turn = top % lines->kernel;
            for (filled = filled < top ? top : filled; filled < top + lines->kernel; filled++) {
                ep_scatter at = *planes;
                at.to += filled % lines->kernel;
                fill(p, x, filled, j, count, at);
            }
        } else {
            for (int32_t r = 0; r < lines->kernel; r++) {
                ep_scatter at = *planes;
                at.to += r;
                fill(p, x, top + r * lines->dilation, j, count, at);
            }
        }
        out->order = order + turn * p->vectors * LANES;
        out->order_end = out->order + p->vectors * LANES;
        for (int32_t k = 0; k < p->multiplier; k++) {
            out->w = first.w + k * p->pixels.kernel * lines->kernel;
            out->table = first.table + k * WORDS;
            out->table_end = first.table_end + k * WORDS;
            out->y = first.y + i * lines->out_step + k;
            if (p->pairs) {
                ep_depthwise_line_pairs_arm_mve(out);
            } else {
                ep_depthwise_line_arm_mve(out);
            }
        }
    }
}

void ep_depthwise_conv2d_s8_arm_mve(const ep_depthwise_conv2d_s8_arm_mve_params *p,
                                    const int8_t *w, const int32_t *table, const int8_t *order,
                                    const int8_t *x, void *planes, int8_t *y)
{
    const ep_axis *const pixels = &p->pixels;
    const int32_t taps = pixels->kernel * p->lines.kernel;
    const int32_t patch_step = p->step * p->lines.kernel;
    const int32_t x_step = p->pairs ? 2 * patch_step : patch_step;
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
            block(p, &line, order, x + c, j, count, &into);
        }
    }
}
