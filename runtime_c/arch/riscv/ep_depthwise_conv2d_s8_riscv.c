/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d_s8_riscv.h"

#include "ep_lines.h"
#include "ep_taps_run_s8_riscv.h"

#define EP_TAPS_RUN 4

void ep_depthwise_conv2d_s8_riscv(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                                  const int32_t *bias, const int32_t *mult, const int8_t *shift,
                                  const int8_t *x, void *scratch, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t next = n->stride_w * n->kernel_h * n->in_c;
    const int32_t taps = n->kernel_h * n->kernel_w * EP_BLOCK;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int8_t *at = (const int8_t *)scratch;
        ep_lines_fill(n, i, n->in_c, n->in_c, p->x_zero, x, scratch);
        for (int32_t left = n->out_w; left > 0;) {
            const int32_t count = left >= EP_TAPS_RUN ? EP_TAPS_RUN : 1;
            ep_taps_run_riscv run = {
                at, w, bias, mult, shift, p->output.zero, p->output.low, p->output.high,
                y, y + n->out_c, taps, n->in_c, next, n->out_c};
            if (count != 1) {
                ep_taps_four_s8_riscv(&run);
            } else {
                ep_taps_one_s8_riscv(&run);
            }
            at += count * next;
            y += count * n->out_c;
            left -= count;
        }
    }
}
