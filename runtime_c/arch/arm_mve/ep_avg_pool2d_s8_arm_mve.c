/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_avg_pool2d_s8_arm_mve.h"

#include "ep_arm_mve_common.h"

#define LARGEST 255 /* elements whose sum fits into int16 */

/* Sums of `rows` times `columns` pixels. */
static int16x8_t sum(const int8_t *x, int32_t rows, int32_t columns, int32_t step,
                     int32_t row_step, mve_pred16_t inside)
{
    int16x8_t total = vdupq_n_s16(0);
    for (; rows > 0; rows--, x += row_step) {
        const int8_t *from = x;
        for (int32_t c = columns; c > 0; c--, from += step) {
            total = vaddq_s16(total, vldrbq_z_s16(from, inside));
        }
    }
    return total;
}

/* The same, and the mean, of larger windows: four channels. */
static int32x4_t wide_mean(const int8_t *x, int32_t rows, int32_t columns, int32_t step,
                           int32_t row_step, mve_pred16_t inside)
{
    const int32_t count = rows * columns;
    int32x4_t total = vdupq_n_s32(0);
    for (; rows > 0; rows--, x += row_step) {
        const int8_t *from = x;
        for (int32_t c = columns; c > 0; c--, from += step) {
            total = vaddq_s32(total, vldrbq_z_s32(from, inside));
        }
    }
    int32_t sums[4];
    vst1q_s32(sums, total);
    for (int32_t k = 0; k < 4; k++) {
        sums[k] = (sums[k] + (sums[k] < 0 ? -(count / 2) : count / 2)) / count;
    }
    return vld1q_s32(sums);
}

/* Division of int16 by a count of 2 to 255, halves away from zero: with 2^(bits - 1) < count <=
 * 2^bits, floor(v / count) = v * ceil(2^(15 + bits) / count) >> (15 + bits) for 0 <= v < 2^15. */
static int16x8_t divide(int16x8_t total, int32_t count)
{
    const int32_t bits = 32 - __builtin_clz((uint32_t)(count - 1));
    const uint32_t reciprocal = ((1u << (15 + bits)) + (uint32_t)count - 1) / (uint32_t)count;
    const uint16x8_t magnitude =
        vaddq_n_u16(vreinterpretq_u16_s16(vabsq_s16(total)), (uint16_t)(count / 2));
    const uint16x8_t quotient =
        vshlq_r_u16(vmulhq_u16(magnitude, vdupq_n_u16((uint16_t)reciprocal)), 1 - bits);
    const int16x8_t mean = vreinterpretq_s16_u16(quotient);
    return vnegq_m_s16(mean, mean, vcmpltq_n_s16(total, 0));
}

void ep_avg_pool2d_s8_arm_mve(const ep_avg_pool2d_s8_params *p, const int8_t *x, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t row_step = n->in_w * n->in_c;
    const int16x8_t low = vdupq_n_s16((int16_t)p->act_min);
    const int16x8_t high = vdupq_n_s16((int16_t)p->act_max);
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
            for (int32_t k = 0; count > LARGEST && k < channels; k += 4) {
                const mve_pred16_t inside = vctp32q((uint32_t)(channels - k));
                const int32x4_t mean =
                    wide_mean(first + k, row1 - row0, col1 - col0, n->in_c, row_step, inside);
                vstrbq_p_s32(y + k, ep_arm_mve_limit(mean, p->act_min, p->act_max), inside);
            }
            for (int32_t k = 0; count <= LARGEST && k < channels; k += 8) {
                const mve_pred16_t inside = vctp16q((uint32_t)(channels - k));
                int16x8_t mean =
                    sum(first + k, row1 - row0, col1 - col0, n->in_c, row_step, inside);
                if (count > 1) {
                    mean = divide(mean, count);
                }
                vstrbq_p_s16(y + k, vminq_s16(vmaxq_s16(mean, low), high), inside);
            }
            y += channels;
        }
    }
}
