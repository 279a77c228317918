/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_avg_pool2d.h"

void ep_avg_pool2d_f32(const ep_avg_pool2d_f32_params *p, const float *x, float *y)
{
    const ep_window *const n = &p->window;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int32_t top = i * n->stride_h - n->pad_top;
        const int32_t row0 = top < 0 ? 0 : top;
        const int32_t row1 = top + n->kernel_h < n->in_h ? top + n->kernel_h : n->in_h;
        for (int32_t j = 0; j < n->out_w; j++) {
            const int32_t left = j * n->stride_w - n->pad_left;
            const int32_t col0 = left < 0 ? 0 : left;
            const int32_t col1 = left + n->kernel_w < n->in_w ? left + n->kernel_w : n->in_w;
            const int32_t count = (row1 - row0) * (col1 - col0);
            for (int32_t k = 0; k < n->in_c; k++) {
                float sum = 0.0f;
                for (int32_t r = row0; r < row1; r++) {
                    const float *from = x + (r * n->in_w + col0) * n->in_c + k;
                    for (int32_t c = col0; c < col1; c++, from += n->in_c) {
                        sum += *from;
                    }
                }
                *y++ = ep_limit_f32(sum / (float)count, p->act_min, p->act_max);
            }
        }
    }
}
