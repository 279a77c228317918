/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_resize_bilinear.h"

void ep_resize_bilinear_f32(const ep_resize_bilinear_f32_params *p, const uint16_t *index,
                            const float *weight, const float *x, float *y)
{
    const int32_t positions = p->out_h + p->out_w;
    for (int32_t i = 0; i < p->out_h; i++) {
        const float *const low = x + (int32_t)index[i] * p->in_w * p->channels;
        const float *const high = x + (int32_t)index[positions + i] * p->in_w * p->channels;
        for (int32_t j = 0; j < p->out_w; j++) {
            const int32_t left = (int32_t)index[p->out_h + j] * p->channels;
            const int32_t right = (int32_t)index[positions + p->out_h + j] * p->channels;
            const float over = weight[p->out_h + j];
            for (int32_t k = 0; k < p->channels; k++) {
                const float above = low[left + k] + (low[right + k] - low[left + k]) * over;
                const float below = high[left + k] + (high[right + k] - high[left + k]) * over;
                *y++ = above + (below - above) * weight[i];
            }
        }
    }
}
