/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_f32_arm_dsp.h"

#include "ep_arm_f32.h"

/* One kernel row of one pixel whose input lies partly in the border, or is not contiguous. */
static void gather(const ep_window *n, int32_t depth, const float *row, int32_t left, float *to)
{
    for (int32_t kx = n->kernel_w; kx > 0; kx--, left += n->dilation_w) {
        const int inside = row != 0 && left >= 0 && left < n->in_w;
        for (int32_t k = 0; k < depth; k++) {
            *to++ = inside ? row[left * n->in_c + k] : 0.0f;
        }
    }
}

/* Four runs side by side. */
static float *interleave(const float *const run[4], int32_t length, float *to)
{
    const float *a = run[0];
    const float *b = run[1];
    const float *c = run[2];
    const float *d = run[3];
    for (; length > 0; length--) {
        to[0] = *a++;
        to[1] = *b++;
        to[2] = *c++;
        to[3] = *d++;
        to += 4;
    }
    return to;
}

/* The input of the four pixels from `at` on, of a group; the last one stands in for those behind it. */
static void fill_strip(const ep_conv2d_f32_params *p, const float *x, int32_t at, float *strip)
{
    const ep_window *const n = &p->window;
    const int32_t depth = n->in_c / p->groups;
    const int32_t run_length = n->kernel_w * depth;
    float *const bordered = strip + 4 * n->kernel_h * run_length;
    const int32_t last = n->out_h * n->out_w - 1;
    const int contiguous = n->kernel_w == 1 || (n->dilation_w == 1 && p->groups == 1);
    for (int32_t ky = 0; ky < n->kernel_h; ky++) {
        const float *run[4];
        for (int32_t i = 0; i < 4; i++) {
            const int32_t pixel = at + i < last ? at + i : last;
            const int32_t oy = pixel / n->out_w;
            const int32_t iy = oy * n->stride_h - n->pad_top + ky * n->dilation_h;
            const int32_t left = (pixel - oy * n->out_w) * n->stride_w - n->pad_left;
            const float *row = iy >= 0 && iy < n->in_h ? x + iy * n->in_w * n->in_c : 0;
            if (contiguous && row != 0 && left >= 0 && left + n->kernel_w <= n->in_w) {
                run[i] = row + left * n->in_c;
            } else {
                run[i] = bordered + i * run_length;
                gather(n, depth, row, left, bordered + i * run_length);
            }
        }
        strip = interleave(run, run_length, strip);
    }
}

/* The products of four pixels with the weights of one channel. */
static void single(const float *x, const float *w, int32_t n, float sums[4])
{
    float a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    for (; n > 0; n--, x += 4) {
        const float v = *w++;
        a += v * x[0];
        b += v * x[1];
        c += v * x[2];
        d += v * x[3];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

void ep_conv2d_f32_arm_dsp(const ep_conv2d_f32_params *p, const float *w, const float *bias,
                           const float *x, void *strip, float *y)
{
    const ep_window *const n = &p->window;
    const int32_t filters = n->out_c / p->groups;
    const int32_t length = n->kernel_h * n->kernel_w * (n->in_c / p->groups);
    const int32_t pixels = n->out_h * n->out_w;
    for (int32_t group = 0; group < p->groups; group++) {
        for (int32_t at = 0; at < pixels; at += 4) {
            const int32_t count = pixels - at < 4 ? pixels - at : 4;
            float *to = y + at * n->out_c + group * filters;
            const float *weights = w + group * filters * length;
            const float *b = bias + group * filters;
            fill_strip(p, x + group * (n->in_c / p->groups), at, (float *)strip);
            int32_t left = filters;
            for (; left >= EP_BLOCK; left -= EP_BLOCK) {
                float sums[4][EP_BLOCK];
                for (int32_t i = 0; i < 4; i++) {
                    memcpy(sums[i], b, sizeof sums[i]);
                }
                ep_arm_f32_tile((const float *)strip, weights, length, sums[0]);
                for (int32_t i = 0; i < count; i++) {
                    for (int32_t c = 0; c < EP_BLOCK; c++) {
                        to[i * n->out_c + c] = ep_arm_limit(sums[i][c], p->act_min, p->act_max);
                    }
                }
                weights += EP_BLOCK * length;
                b += EP_BLOCK;
                to += EP_BLOCK;
            }
            for (; left > 0; left--) {
                float sums[4] = {*b, *b, *b, *b};
                single((const float *)strip, weights, length, sums);
                for (int32_t i = 0; i < count; i++) {
                    to[i * n->out_c] = ep_arm_limit(sums[i], p->act_min, p->act_max);
                }
                weights += length;
                b++;
                to++;
            }
        }
    }
}
