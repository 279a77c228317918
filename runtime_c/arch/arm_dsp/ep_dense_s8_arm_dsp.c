/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

/* Pairs (k, k+2), (k+1, k+3) of each whole four; left over (k, k+1), then (k, 0). Gives ep_arm_dsp_dense.products. */
static int32_t widen(const int8_t *x, int32_t n, uint32_t *to)
{
    int32_t sum = 0;
    for (; n >= 4; n -= 4) {
        const uint32_t four = ep_load4(x);
        x += 4;
        to[0] = ep_even_bytes(four);
        to[1] = ep_odd_bytes(four);
        sum = ep_add_products(sum, to[0], to[1]);
        to += 2;
    }
    if (n >= 2) {
        *to++ = ep_pair(x[0], x[1]);
        x += 2;
        n -= 2;
    }
    if (n > 0) {
        *to = ep_pair(x[0], 0);
    }
    return sum;
}

void ep_dense_s8_arm_dsp(const ep_dense_s8_arm_dsp_params *p, const void *w, const int32_t *table,
                         const int8_t *x, void *scratch, int8_t *y)
{
    const int32_t words = (p->in_len + 1) / 2;
    const int32_t quads = p->out_len / 4;
    for (int32_t row = 0; row < p->rows; row++) {
        const int32_t products = widen(x, p->in_len, scratch);
        x += p->in_len;
        ep_arm_dsp_dense d = {w,       scratch,    table,      y, quads, p->in_len, p->twice_zero,
                              p->mult, p->shift_a, p->shift_b, 0, 0, products};
        if (quads > 0) {
            p->quads(&d);
        }
        y += 4 * quads;
        d.w += 4 * quads * p->in_len;
        int32_t left = p->out_len - 4 * quads;
        if (left > 0 && p->filled) {
            int8_t four[4];
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
            continue;
        }
        ep_arm_dsp_window window = {scratch, (uint32_t *)scratch + words, 0, 0, 1, 1,
                                    p->twice_zero, p->pair.body};
        if (left >= 2) {
            p->pair.engine(d.w, &window, d.table, y);
            d.w += 2 * p->in_len;
            d.table += 6;
            y += 2;
            left -= 2;
        }
        if (left > 0) {
            window.body = p->solo.body;
            p->solo.engine(d.w, &window, d.table, y);
            y++;
        }
    }
}
