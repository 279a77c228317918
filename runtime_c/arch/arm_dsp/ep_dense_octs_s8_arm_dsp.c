/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_octs_s8_arm_dsp.h"

void ep_dense_octs_s8_arm_dsp(const ep_dense_octs_s8_arm_dsp_params *p, const void *w,
                              const int32_t *table, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        ep_arm_dsp_dense d = {w, (const void *)x, table, y, p->out_len / 8, p->in_len, p->twice_zero,
                              p->mult, p->shift_a, p->shift_b, 0, 0, ep_neighbours(x, p->in_len)};
        p->octs(&d);
        x += p->in_len;
        y += p->out_len;
    }
}
