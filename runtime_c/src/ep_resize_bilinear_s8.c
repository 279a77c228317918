/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_resize_bilinear.h"

void ep_resize_bilinear_s8(const ep_resize_bilinear_s8_params *p, const uint16_t *index,
                           const int16_t *weight, const int8_t *x, int8_t *y)
{
    const int32_t one = 1024;
    const int32_t row = p->in_w * p->channels;
    const int32_t from = p->out_w + p->first;
    for (int32_t i = 0; i < p->out_h; i++) {
        const int8_t *const low = x + (index[2 * (from + i)] - p->above) * row;
        const int8_t *const high = x + (index[2 * (from + i) + 1] - p->above) * row;
        const int32_t down = weight[from + i];
        for (int32_t j = 0; j < p->out_w; j++) {
            const int32_t left = index[2 * j] * p->channels;
            const int32_t right = index[2 * j + 1] * p->channels;
            const int32_t over = weight[j];
            for (int32_t k = 0; k < p->channels; k++) {
                /* Weights lie in [-512, 1536]: the sum stays below 2^31. */
                const int32_t above = low[left + k] * (one - over) + low[right + k] * over;
                const int32_t below = high[left + k] * (one - over) + high[right + k] * over;
                const int32_t sum = above * (one - down) + below * down;
                const int32_t half = sum < 0 ? -(one * one / 2) : one * one / 2;
                *y++ = (int8_t)ep_limit((sum + half) / (one * one), -128, 127);
            }
        }
    }
}
