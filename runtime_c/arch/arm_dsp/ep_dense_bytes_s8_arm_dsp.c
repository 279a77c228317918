/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_bytes_s8_arm_dsp.h"

void ep_dense_bytes_s8_arm_dsp(const ep_dense_bytes_s8_arm_dsp_params *p, const void *w,
                               const int32_t *table, const int8_t *x, int8_t *y)
{
    const int32_t quads = p->out_len / 4;
    const int32_t left = p->out_len - 4 * quads;
    for (int32_t row = 0; row < p->rows; row++) {
        ep_arm_dsp_dense d = {w,       (const void *)x, table,      y, quads, p->in_len, p->twice_zero,
                              p->mult, p->shift_a,      p->shift_b, 0, 0, ep_neighbours(x, p->in_len)};
        if (quads > 0) {
            p->quads(&d);
        }
        y += 4 * quads;
        if (left > 0) {
            int8_t four[4];
            d.w += 4 * quads * p->in_len;
            d.count = 1;
            d.y = four;
            p->quads(&d);
            y[0] = four[0];
            if (left > 1) {
                y[1] = four[1];
            }
            if (left > 2) {
                y[2] = four[2];
            }
            y += left;
        }
        x += p->in_len;
    }
}
