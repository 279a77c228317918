/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_max_pool2d_s8_arm_mve.h"

#include "ep_arm_mve_common.h"

/* The largest of `rows` times `columns` pixels, for the channels inside. */
static int8x16_t largest(const int8_t *x, int32_t rows, int32_t columns, int32_t step,
                         int32_t row_step, mve_pred16_t inside)
{
    int8x16_t best = vdupq_n_s8(-128);
    for (; rows > 0; rows--, x += row_step) {
        const int8_t *from = x;
        for (int32_t c = columns; c > 0; c--, from += step) {
            best = vmaxq_s8(best, vldrbq_z_s8(from, inside));
        }
    }
    return best;
}

void ep_max_pool2d_s8_arm_mve(const ep_max_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t row_step = n->in_w * n->in_c;
    const int8x16_t low = vdupq_n_s8((int8_t)p->act_min);
    const int8x16_t high = vdupq_n_s8((int8_t)p->act_max);
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
            for (int32_t k = 0; k < channels; k += 16) {
                const mve_pred16_t inside = vctp8q((uint32_t)(channels - k));
                const int8x16_t best =
                    largest(first + k, row1 - row0, col1 - col0, n->in_c, row_step, inside);
                vstrbq_p_s8(y + k, vminq_s8(vmaxq_s8(best, low), high), inside);
            }
            y += channels;
        }
    }
}
