/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_s8_riscv.h"

#include "ep_eights_s8_riscv.h"

/* What 128 in a word's even bytes, and in it shifted right by a byte, adds. */
#define EP_EVEN (128u + (128u << 16))
#define EP_ODD (EP_EVEN + (128u << 8))

void ep_dense_s8_riscv(const ep_dense_s8_params *p, const int32_t *w, const uint8_t *runs,
                       const int32_t *bias, const int32_t *mult, const int8_t *shift, const int8_t *x,
                       void *scratch, int8_t *y)
{
    const int32_t in_len = p->in_len, length = (in_len + 7) & ~7;
    int32_t *const sums = (int32_t *)scratch;
    int8_t *const filled = (int8_t *)scratch + length;
    for (int32_t row = 0; row < p->rows; row++) {
        const int8_t *from = x;
        if (length != in_len) {
            for (int32_t i = 0; i < length; i++) {
                filled[i] = i < in_len ? x[i] : 0;
            }
            from = filled;
        }
        for (int32_t i = 0; i < length; i += 8) {
            const int8_t *const e = from + i;
            const int32_t sum = e[0] + e[1] + e[2] + e[3] + e[4] + e[5] + e[6] + e[7];
            sums[i / 4] = (int32_t)((uint32_t)sum * EP_EVEN - 0x8000u); /* modulo 2^32, as all of them */
            sums[i / 4 + 1] = (int32_t)((uint32_t)sum * EP_ODD - 0x8000u);
        }
        ep_eights_riscv eights = {from, from + length, sums, w, runs, bias, mult, shift,
                                  p->y_zero, p->act_min, p->act_max, y, y + p->out_len};
        ep_eights_s8_riscv(&eights);
        x += in_len;
        y += p->out_len;
    }
}
