/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d.h"

/* Writes the inputs of one position (of one group) in kernel order. */
static void gather(const ep_window *n, int32_t depth, int32_t position, const float *x,
                   float *column)
{
    const int32_t top = position / n->out_w * n->stride_h - n->pad_top;
    const int32_t left = position % n->out_w * n->stride_w - n->pad_left;
    for (int32_t i = 0; i < n->kernel_h; i++) {
        const int32_t row = top + i * n->dilation_h;
        const int inside = row >= 0 && row < n->in_h;
        for (int32_t j = 0; j < n->kernel_w; j++) {
            const int32_t at = left + j * n->dilation_w;
            if (inside && at >= 0 && at < n->in_w) {
                const float *const from = x + (row * n->in_w + at) * n->in_c;
                for (int32_t k = 0; k < depth; k++) {
                    column[k] = from[k];
                }
            } else {
                for (int32_t k = 0; k < depth; k++) {
                    column[k] = 0.0f;
                }
            }
            column += depth;
        }
    }
}

/* The products of two columns with one block of channels. */
static void tile_block(const float *column, const float *w, int32_t n, float *sums)
{
    float a0 = 0, b0 = 0, c0 = 0, d0 = 0, a1 = 0, b1 = 0, c1 = 0, d1 = 0;
    const float *const end = column + n;
    for (; column != end; column++, w += EP_BLOCK) {
        const float v0 = column[0], v1 = column[n];
        a0 += v0 * w[0];
        a1 += v1 * w[0];
        b0 += v0 * w[1];
        b1 += v1 * w[1];
        c0 += v0 * w[2];
        c1 += v1 * w[2];
        d0 += v0 * w[3];
        d1 += v1 * w[3];
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

static void tile_single(const float *column, const float *w, int32_t n, float *sums)
{
    float a0 = 0, a1 = 0;
    for (int32_t i = 0; i < n; i++) {
        a0 += column[i] * w[i];
        a1 += column[n + i] * w[i];
    }
    sums[0] = a0;
    sums[EP_BLOCK] = a1;
}

void ep_conv2d_f32(const ep_conv2d_f32_params *p, const float *w, const float *bias, const float *x,
                   void *columns, float *y)
{
    const ep_window *const n = &p->window;
    float *const column = (float *)columns;
    const int32_t depth = n->in_c / p->groups;
    const int32_t filters = n->out_c / p->groups;
    const int32_t length = n->kernel_h * n->kernel_w * depth;
    const int32_t positions = n->out_h * n->out_w;
    for (int32_t group = 0; group < p->groups; group++) {
        for (int32_t at = 0; at < positions; at += 2) {
            const int32_t second = at + 1 < positions ? at + 1 : at;
            gather(n, depth, at, x + group * depth, column);
            gather(n, depth, second, x + group * depth, column + length);
            const float *weights = w + group * filters * length;
            int32_t o = group * filters;
            const int32_t last = o + filters;
            while (o < last) {
                float sums[2 * EP_BLOCK];
                int32_t count = EP_BLOCK;
                if (last - o >= EP_BLOCK) {
                    tile_block(column, weights, length, sums);
                } else {
                    tile_single(column, weights, length, sums);
                    count = 1;
                }
                weights += count * length;
                for (int32_t i = 0; i < count; i++, o++) {
                    for (int32_t k = 0; k <= second - at; k++) {
                        const float v = bias[o] + sums[k * EP_BLOCK + i];
                        y[(at + k) * n->out_c + o] = ep_limit_f32(v, p->act_min, p->act_max);
                    }
                }
            }
        }
    }
}
