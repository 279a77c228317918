/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_matmul.h"

void ep_matmul_f32(const ep_matmul_f32_params *p, const float *a, const float *b, float *y)
{
    const int32_t down = p->transposed != 0 ? 1 : p->out_len;
    const int32_t across = p->transposed != 0 ? p->in_len : 1;
    for (int32_t k = 0; k < p->count; k++) {
        const float *row = a + k * p->a_step;
        for (int32_t r = 0; r < p->rows; r++, row += p->in_len) {
            for (int32_t c = 0; c < p->out_len; c++) {
                const float *column = b + k * p->b_step + c * across;
                float sum = 0.0f;
                for (int32_t i = 0; i < p->in_len; i++) {
                    sum += row[i] * column[i * down];
                }
                *y++ = sum;
            }
        }
    }
}
