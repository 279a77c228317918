/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_resize_bilinear.h"

void ep_resize_bilinear_f32(const ep_resize_bilinear_f32_params *p, const uint16_t *index,
                            const float *weight, const float *x, float *y)
{
    const int32_t row = p->in_w * p->channels;
    const int32_t from = p->out_w + p->first;
    for (int32_t i = 0; i < p->out_h; i++) {
        const float *const low = x + (index[2 * (from + i)] - p->above) * row;
        const float *const high = x + (index[2 * (from + i) + 1] - p->above) * row;
        for (int32_t j = 0; j < p->out_w; j++) {
            const int32_t left = index[2 * j] * p->channels;
            const int32_t right = index[2 * j + 1] * p->channels;
            const float over = weight[j];
            for (int32_t k = 0; k < p->channels; k++) {
                const float above = low[left + k] + (low[right + k] - low[left + k]) * over;
                const float below = high[left + k] + (high[right + k] - high[left + k]) * over;
                *y++ = above + (below - above) * weight[from + i];
            }
        }
    }
}
