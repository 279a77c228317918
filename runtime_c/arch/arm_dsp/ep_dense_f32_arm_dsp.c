/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_f32_arm_dsp.h"

#include "ep_arm_f32.h"

static float dot(const float *x, const float *w, int32_t n)
{
    float a = 0.0f;
    float b = 0.0f;
    for (int32_t pairs = n / 2; pairs > 0; pairs--) {
        a += x[0] * w[0];
        b += x[1] * w[1];
        x += 2;
        w += 2;
    }
    return n % 2 != 0 ? a + b + x[0] * w[0] : a + b;
}

void ep_dense_f32_arm_dsp(const ep_dense_f32_params *p, const float *w, const float *bias,
                          const float *x, float *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        const float *weights = w;
        int32_t o = 0;
        for (; o + EP_BLOCK <= p->out_len; o += EP_BLOCK) {
            float sums[EP_BLOCK] = {bias[o], bias[o + 1], bias[o + 2], bias[o + 3]};
            ep_arm_f32_vector(x, weights, p->in_len, sums);
            for (int32_t i = 0; i < EP_BLOCK; i++) {
                y[o + i] = ep_arm_limit(sums[i], p->act_min, p->act_max);
            }
            weights += EP_BLOCK * p->in_len;
        }
        for (; o < p->out_len; o++) {
            y[o] = ep_arm_limit(bias[o] + dot(x, weights, p->in_len), p->act_min, p->act_max);
            weights += p->in_len;
        }
        x += p->in_len;
        y += p->out_len;
    }
}
