/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_matmul.h"

void ep_matmul_s16(const ep_matmul_s16_params *p, const int16_t *a, const int16_t *b, int16_t *y)
{
    const int32_t down = p->transposed != 0 ? 1 : p->out_len;
    const int32_t across = p->transposed != 0 ? p->in_len : 1;
    const int64_t half = (int64_t)1 << (p->shift - 1);
    for (int32_t k = 0; k < p->count; k++) {
        const int16_t *row = a + k * p->a_step;
        for (int32_t r = 0; r < p->rows; r++, row += p->in_len) {
            for (int32_t c = 0; c < p->out_len; c++) {
                const int16_t *column = b + k * p->b_step + c * across;
                int64_t sum = 0;
                for (int32_t i = 0; i < p->in_len; i++) {
                    sum += (int32_t)row[i] * column[i * down];
                }
                const int64_t v = (sum * p->mult + half) >> p->shift;
                const int64_t above = v < -32768 ? -32768 : v;
                *y++ = (int16_t)(above > 32767 ? 32767 : above);
            }
        }
    }
}
