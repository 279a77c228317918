/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d.h"

void ep_depthwise_conv2d_f32(const ep_depthwise_conv2d_f32_params *p, const float *w,
                             const float *bias, const float *x, float *y)
{
    const ep_window *const n = &p->window;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int32_t top = i * n->stride_h - n->pad_top;
        const int32_t row0 = ep_first_inside(top, n->dilation_h);
        const int32_t row1 = ep_end_inside(top, n->dilation_h, n->in_h, n->kernel_h);
        for (int32_t j = 0; j < n->out_w; j++) {
            const int32_t left = j * n->stride_w - n->pad_left;
            const int32_t col0 = ep_first_inside(left, n->dilation_w);
            const int32_t col1 = ep_end_inside(left, n->dilation_w, n->in_w, n->kernel_w);
            for (int32_t o = 0; o < n->out_c; o++) {
                const float *const channel = x + o / p->multiplier;
                float acc = bias[o];
                for (int32_t r = row0; r < row1; r++) {
                    const int32_t line = (top + r * n->dilation_h) * n->in_w + left;
                    for (int32_t c = col0; c < col1; c++) {
                        acc += channel[(line + c * n->dilation_w) * n->in_c]
                               * w[(r * n->kernel_w + c) * n->out_c + o];
                    }
                }
                *y++ = ep_limit_f32(acc, p->act_min, p->act_max);
            }
        }
    }
}
