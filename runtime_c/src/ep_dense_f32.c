/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense.h"

/* Adds x . w to a block of sums. */
static void dot_block(const float *x, const float *w, int32_t n, float *sums)
{
    float a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    const float *const end = x + n;
    for (; x != end; x++, w += EP_BLOCK) {
        const float v = x[0];
        a += v * w[0];
        b += v * w[1];
        c += v * w[2];
        d += v * w[3];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

void ep_dense_f32(const ep_dense_f32_params *p, const float *w, const float *bias, const float *x,
                  float *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        const float *weights = w;
        int32_t o = 0;
        for (; o + EP_BLOCK <= p->out_len; o += EP_BLOCK) {
            for (int32_t i = 0; i < EP_BLOCK; i++) {
                y[o + i] = bias[o + i];
            }
            dot_block(x, weights, p->in_len, y + o);
            weights += EP_BLOCK * p->in_len;
        }
        for (; o < p->out_len; o++) {
            float sum = bias[o];
            for (int32_t i = 0; i < p->in_len; i++) {
                sum += x[i] * *weights++;
            }
            y[o] = sum;
        }
        for (int32_t i = 0; i < p->out_len; i++) {
            y[i] = ep_limit_f32(y[i], p->act_min, p->act_max);
        }
        x += p->in_len;
        y += p->out_len;
    }
}
