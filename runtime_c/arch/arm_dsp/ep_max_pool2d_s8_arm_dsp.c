/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_max_pool2d_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

void ep_max_pool2d_s8_arm_dsp(const ep_max_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t row_step = n->in_w * n->in_c;
    const uint32_t lowest = (uint32_t)(uint8_t)p->act_min * 0x01010101u;
    const uint32_t highest = (uint32_t)(uint8_t)p->act_max * 0x01010101u;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int32_t top = i * n->stride_h - n->pad_top;
        const int32_t row0 = top < 0 ? 0 : top;
        const int32_t row1 = top + n->kernel_h < n->in_h ? top + n->kernel_h : n->in_h;
        for (int32_t j = 0, run; j < n->out_w; j += run) {
            const int32_t left = j * n->stride_w - n->pad_left;
            run = ep_run_of(n, left, n->out_w - j);
            const int32_t channels = run * n->in_c;
            const int32_t col0 = left < 0 ? 0 : left;
            const int32_t col1 = left + n->kernel_w < n->in_w ? left + n->kernel_w : n->in_w;
            const int8_t *const first = x + row0 * row_step + col0 * n->in_c;
            int32_t k = 0;
            for (; k + 4 <= channels; k += 4) {
                uint32_t best = lowest;
                const int8_t *row = first + k;
                for (int32_t r = row1 - row0; r > 0; r--, row += row_step) {
                    const int8_t *from = row;
                    for (int32_t c = col1 - col0; c > 0; c--, from += n->in_c) {
                        best = ep_max_bytes(best, ep_load4(from));
                    }
                }
                ep_store4(y, ep_min_bytes(best, highest));
                y += 4;
            }
            for (; k < channels; k++) {
                int32_t best = -128;
                for (int32_t r = 0; r < row1 - row0; r++) {
                    for (int32_t c = 0; c < col1 - col0; c++) {
                        const int32_t v = first[r * row_step + c * n->in_c + k];
                        best = v > best ? v : best;
                    }
                }
                *y++ = (int8_t)ep_limit(best, p->act_min, p->act_max);
            }
        }
    }
}
