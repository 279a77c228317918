/* SPDX-License-Identifier: Apache-2.0 */
/* gcc vectorises fully from -O3 on, clang from -O2. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#include "ep_conv2d_s8_vector.h"

#include "ep_lines.h"
#include "ep_tile_vector.h"

void ep_conv2d_s8_vector(const ep_conv2d_s8_params *p, const int8_t *w, const int32_t *bias,
                         const int32_t *mult, const int8_t *shift, const int8_t *x, void *scratch,
                         int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t column = n->kernel_h * n->in_c;
    const int32_t length = n->kernel_w * column;
    const int32_t apart = n->stride_w * (p->direct != 0 ? n->in_c : column);
    const ep_finish finish = {p->output, bias, mult, shift};
    int32_t *const sums = (int32_t *)scratch, *const sums1 = sums + n->out_c;
    int16_t *const window = (int16_t *)(sums1 + n->out_c);
    int8_t *const lines = (int8_t *)(window + 2 * length);
    for (int32_t i = 0; i < n->out_h; i++) {
        const int8_t *at = x + i * n->stride_h * n->in_w * n->in_c;
        if (p->direct == 0) {
            ep_lines_fill(n, i, n->in_c, n->in_c, p->x_zero, x, lines);
            at = lines;
        }
        for (int32_t j = 0; j < n->out_w; j += 2) {
            const int32_t pair = n->out_w - j >= 2 ? 1 : 0;
            const int16_t *const second = window + pair * length;
            const int8_t *from = w;
            int32_t count = EP_BLOCK;
            ep_widen_vector(window, at, length);
            if (pair != 0) {
                ep_widen_vector(window + length, at + apart, length);
            }
            for (int32_t o = 0; o < n->out_c; o += count) {
                if (n->out_c - o >= EP_BLOCK) {
                    ep_tile_pair_vector(window, second, from, length, sums + o, sums1 + o);
                } else {
                    count = 1;
                    sums[o] = ep_tile_single_vector(window, from, length);
                    sums1[o] = ep_tile_single_vector(second, from, length);
                }
                from += count * length;
            }
            ep_finish_vector(&finish, n->out_c, sums, y);
            if (pair != 0) {
                ep_finish_vector(&finish, n->out_c, sums1, y + p->pitch);
            }
            at += 2 * apart;
            y += (1 + pair) * p->pitch;
        }
    }
}
