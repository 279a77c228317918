/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_resize_bilinear.h"

void ep_resize_bilinear_s8(const ep_resize_bilinear_s8_params *p, const uint16_t *index,
                           const int16_t *weight, const int8_t *x, int8_t *y)
{
    const int32_t one = 1024;
    const int32_t positions = p->out_h + p->out_w;
    for (int32_t i = 0; i < p->out_h; i++) {
        const int8_t *const low = x + (int32_t)index[i] * p->in_w * p->channels;
        const int8_t *const high = x + (int32_t)index[positions + i] * p->in_w * p->channels;
        const int32_t down = weight[i];
        for (int32_t j = 0; j < p->out_w; j++) {
            const int32_t left = (int32_t)index[p->out_h + j] * p->channels;
            const int32_t right = (int32_t)index[positions + p->out_h + j] * p->channels;
            const int32_t over = weight[p->out_h + j];
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
