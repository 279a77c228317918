/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_avg_pool2d_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

/* Channels k to k + 3 of `rows` times `columns` pixels; sums of 255 int8 fit into int16. */
static void sum4(const int8_t *x, int32_t rows, int32_t columns, int32_t step, int32_t row_step,
                 int16_t sums[4])
{
    uint32_t even = 0;
    uint32_t odd = 0;
    for (; rows > 0; rows--, x += row_step) {
        const int8_t *from = x;
        for (int32_t c = columns; c > 0; c--, from += step) {
            const uint32_t word = ep_load4(from);
            even = ep_add_even_bytes(even, word);
            odd = ep_add_odd_bytes(odd, word);
        }
    }
    sums[0] = (int16_t)even;
    sums[1] = (int16_t)odd;
    sums[2] = (int16_t)(even >> 16);
    sums[3] = (int16_t)(odd >> 16);
}

static EP_NOINLINE int8_t mean(const ep_avg_pool2d_s8_params *p, int32_t sum, int32_t count)
{
    sum += sum < 0 ? -(count / 2) : count / 2;
    return (int8_t)ep_limit(sum / count, p->act_min, p->act_max);
}

void ep_avg_pool2d_s8_arm_dsp(const ep_avg_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t row_step = n->in_w * n->in_c;
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
            const int32_t count = (row1 - row0) * (col1 - col0);
            int32_t k = 0;
            for (; k + 4 <= channels; k += 4) {
                int16_t sums[4];
                sum4(first + k, row1 - row0, col1 - col0, n->in_c, row_step, sums);
                for (int32_t c = 0; c < 4; c++) {
                    *y++ = mean(p, sums[c], count);
                }
            }
            for (; k < channels; k++) {
                int32_t sum = 0;
                for (int32_t r = 0; r < row1 - row0; r++) {
                    for (int32_t c = 0; c < col1 - col0; c++) {
                        sum += first[r * row_step + c * n->in_c + k];
                    }
                }
                *y++ = mean(p, sum, count);
            }
        }
    }
}
