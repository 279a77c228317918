/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d_channels_s8_arm_mve.h"

#include <arm_mve.h>

#include "ep_depthwise_channels_arm_mve.h"

#define KERNEL 3
#define LANES 16
#define WORDS 36 /* of the table, of sixteen channels */

typedef ep_depthwise_conv2d_channels_s8_arm_mve_params params;
typedef void line_function(const ep_depthwise_channels *);

/* Some pixels of all lines. */
typedef struct {
    const params *p;
    ep_span span;
    int32_t pitch; /* bytes of a row that is held */
    line_function *line_of;
} band;

/* The zero point in so many places. */
static EP_NOINLINE void pad(int8_t *to, int32_t places, int32_t zero)
{
    for (; places > 0; places--) {
        vstrbq_s8(to, vdupq_n_s8((int8_t)zero));
        to += LANES;
    }
}

/* A row of the input, of up to sixteen channels, into its place between the padding. */
static void take(const band *b, const int8_t *x, int32_t row, int32_t channels, int8_t *to)
{
    const params *const p = b->p;
    if (row < 0 || row >= p->lines.in) {
        pad(to, b->span.inside, p->x_zero);
        return;
    }
    const int32_t step = p->pixels.in_step;
    x += row * p->lines.in_step + b->span.position * step;
    if (channels == LANES) { /* without a predicate, which compilers move to its register for each place */
        for (int32_t n = b->span.inside; n > 0; n--, x += step, to += LANES) {
            vstrbq_s8(to, vldrbq_s8(x));
        }
        return;
    }
    const mve_pred16_t some = vctp8q((uint32_t)channels);
    for (int32_t n = b->span.inside; n > 0; n--, x += step, to += LANES) {
        vstrbq_s8(to, vldrbq_z_s8(x, some));
    }
}

/* All lines, of up to sixteen channels. */
static void lines(const band *b, const int8_t *x, int8_t *held, ep_depthwise_channels *out)
{
    const ep_axis *const axis = &b->p->lines;
    int8_t *const y = out->y;
    const int8_t *const end = held + KERNEL * b->pitch;
    int8_t *next = held; /* where the next row goes: in place of the oldest one */
    int32_t there = -axis->pad;
    for (int32_t i = 0; i < axis->out; i++) {
        const int32_t wanted = i * axis->stride - axis->pad;
        for (; there < wanted + KERNEL; there++) {
            if (there >= wanted) {
                take(b, x, there, out->channels, next + b->span.before * LANES);
            }
            next = next + b->pitch == end ? held : next + b->pitch;
        }
        const int8_t *row = next;
        for (int32_t r = 0; r < KERNEL; r++) {
            out->rows[r] = row;
            row = row + b->pitch == end ? held : row + b->pitch;
        }
        out->y = y + i * axis->out_step;
        b->line_of(out);
    }
}

static EP_NOINLINE void bands(const params *p, const int8_t *w, const int32_t *table,
                              const int8_t *x, int8_t *held, int8_t *y, line_function *line_of)
{
    const ep_axis *const pixels = &p->pixels;
    for (int32_t j = 0; j < pixels->out; j += p->block) {
        const int32_t count = pixels->out - j < p->block ? pixels->out - j : p->block;
        const int32_t places = (count - 1) * pixels->stride + KERNEL;
        const band b = {p, ep_span_of(pixels, j, count), places * LANES, line_of};
        for (int32_t r = 0; r < KERNEL; r++) { /* nothing else is ever written there */
            int8_t *const row = held + r * b.pitch;
            pad(row, b.span.before, p->x_zero);
            pad(row + (places - b.span.after) * LANES, b.span.after, p->x_zero);
        }
        for (int32_t c = 0; c < p->channels; c += LANES) {
            const int32_t channels = p->channels - c < LANES ? p->channels - c : LANES;
            ep_depthwise_channels out = {{held, held, held}, w + c * KERNEL * KERNEL,
                                         table + c / LANES * WORDS, y + j * pixels->out_step + c,
                                         pixels->out_step, count, channels};
            lines(&b, x + c, held, &out);
        }
    }
}

void ep_depthwise_conv2d_channels_s8_arm_mve(const params *p, const int8_t *w, const int32_t *table,
                                             const int8_t *x, void *held, int8_t *y)
{
    bands(p, w, table, x, held, y, ep_depthwise_channels_arm_mve);
}

void ep_depthwise_conv2d_channels_strided_s8_arm_mve(const params *p, const int8_t *w,
                                                     const int32_t *table, const int8_t *x,
                                                     void *held, int8_t *y)
{
    bands(p, w, table, x, held, y, ep_depthwise_channels_strided_arm_mve);
}
