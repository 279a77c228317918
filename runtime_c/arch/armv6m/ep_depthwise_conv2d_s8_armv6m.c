/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d_s8_armv6m.h"

#include "ep_lines.h"
#include "ep_taps_run_s8_armv6m.h"

void ep_depthwise_conv2d_s8_armv6m(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                                   const int32_t *bias, const int32_t *mult, const int8_t *shift,
                                   const int8_t *x, void *scratch, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t next = n->stride_w * n->kernel_h * n->in_c;
    const int32_t taps = n->kernel_h * n->kernel_w;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int8_t *at = (const int8_t *)scratch;
        ep_lines_fill(n, i, n->in_c, n->in_c, p->x_zero, x, scratch);
        for (int32_t left = n->out_w; left > 0; left -= EP_RUN_MOST) {
            const int32_t count = left < EP_RUN_MOST ? left : EP_RUN_MOST;
            ep_taps_run run = {at, w, bias, mult, shift, 2 * p->output.zero + 1,
                               y, y + n->out_c, taps, next, n->in_c - (count - 1) * next,
                               n->out_c, count};
            ep_taps_run_s8_armv6m(&run);
            at += count * next;
            y += count * n->out_c;
        }
    }
}
