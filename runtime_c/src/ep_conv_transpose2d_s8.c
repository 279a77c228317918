/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv_transpose2d.h"

/* The input that kernel element k reaches a result from, or -1. */
static int32_t source(int32_t result, int32_t k, int32_t dilation, int32_t stride, int32_t size)
{
    const int32_t at = result - k * dilation;
    return at >= 0 && at % stride == 0 && at / stride < size ? at / stride : -1;
}

void ep_conv_transpose2d_s8(const ep_conv_transpose2d_s8_params *p, const int8_t *w,
                            const int32_t *bias, const int32_t *mult, const int8_t *shift,
                            const int8_t *x, int8_t *y)
{
    const ep_window *const n = &p->window;
    const ep_finish finish = {p->output, bias, mult, shift};
    for (int32_t i = 0; i < n->out_h; i++) {
        for (int32_t j = 0; j < n->out_w; j++) {
            for (int32_t o = 0; o < n->out_c; o++) {
                int32_t acc = 0;
                for (int32_t r = 0; r < n->kernel_h; r++) {
                    const int32_t row =
                        source(i + n->pad_top, r, n->dilation_h, n->stride_h, n->in_h);
                    for (int32_t c = 0; row >= 0 && c < n->kernel_w; c++) {
                        const int32_t column =
                            source(j + n->pad_left, c, n->dilation_w, n->stride_w, n->in_w);
                        if (column < 0) {
                            continue;
                        }
                        const int8_t *const from = x + (row * n->in_w + column) * n->in_c;
                        const int8_t *const w_at =
                            w + ((o * n->kernel_h + r) * n->kernel_w + c) * n->in_c;
                        for (int32_t k = 0; k < n->in_c; k++) {
                            acc += (from[k] - p->x_zero) * w_at[k];
                        }
                    }
                }
                ep_finish_s8(&finish, o, 1, &acc, y++, 0);
            }
        }
    }
}
