/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d.h"

#include "ep_finish.h"

void ep_depthwise_conv2d_s16(const ep_depthwise_conv2d_s16_params *p, const int8_t *w,
                             const int64_t *bias, const int32_t *mult, const int8_t *shift,
                             const int16_t *x, int16_t *y)
{
    const ep_window *const n = &p->window;
    const ep_finish_wide finish = {{0, p->low, p->high, 0}, bias, mult, shift};
    for (int32_t i = 0; i < n->out_h; i++) {
        const int32_t top = i * n->stride_h - n->pad_top;
        const int32_t row0 = ep_first_inside(top, n->dilation_h);
        const int32_t row1 = ep_end_inside(top, n->dilation_h, n->in_h, n->kernel_h);
        for (int32_t j = 0; j < n->out_w; j++) {
            const int32_t left = j * n->stride_w - n->pad_left;
            const int32_t col0 = ep_first_inside(left, n->dilation_w);
            const int32_t col1 = ep_end_inside(left, n->dilation_w, n->in_w, n->kernel_w);
            for (int32_t o = 0; o < n->out_c; o++) {
                const int16_t *const channel = x + o / p->multiplier;
                int32_t sum = 0;
                for (int32_t r = row0; r < row1; r++) {
                    const int32_t line = (top + r * n->dilation_h) * n->in_w + left;
                    for (int32_t c = col0; c < col1; c++) {
                        sum += (int32_t)channel[(line + c * n->dilation_w) * n->in_c]
                               * w[(r * n->kernel_w + c) * n->out_c + o];
                    }
                }
                ep_finish_s16(&finish, o, 1, &sum, y++, 0);
            }
        }
    }
}
