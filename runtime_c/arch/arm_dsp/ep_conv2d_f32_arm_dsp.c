/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_f32_arm_dsp.h"

#include "ep_arm_f32.h"
#include "ep_arm_strip.h"

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
            ep_arm_strip_f32(p, x + group * (n->in_c / p->groups), at, (float *)strip);
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
