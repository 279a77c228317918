/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_plain.h"

/* Adds to a sum what one filter gives at row i and column j of the results; returns the end of its weights. A function
 * of its own has the registers for it. The sum may wrap on its way to one that does not. */
static EP_NOINLINE const int8_t *add_filter(const ep_conv2d_plain_s8_params *p, int32_t i,
                                            int32_t j, const int8_t *x, const int8_t *w,
                                            uint32_t *total)
{
    const int8_t zero = (int8_t)p->x_zero;
    uint32_t sum = *total;
    int32_t row = i * p->stride_h - p->pad_top;
    for (int32_t r = p->kernel_h; r > 0; r--, row += p->dilation_h) {
        int32_t column = j * p->stride_w - p->pad_left;
        for (int32_t c = p->kernel_w; c > 0; c--, column += p->dilation_w) {
            const int32_t inside = (uint32_t)row < p->in_h && (uint32_t)column < p->in_w;
            const int8_t *from = inside ? x + (row * p->in_w + column) * p->in_c : &zero;
            for (int32_t k = p->depth; k > 0; k--, from += inside) {
                sum += (uint32_t)(*from * *w++);
            }
        }
    }
    *total = sum;
    return w;
}

void ep_conv2d_plain_s8(const ep_conv2d_plain_s8_params *p, const int8_t *w, const int32_t *bias,
                        const int32_t *mult, const int8_t *shift, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->out_h; i++) {
        for (int32_t j = 0; j < p->out_w; j++) {
            const int8_t *from = x, *weights = w;
            int32_t left = p->filters;
            for (int32_t o = 0; o < p->out_c; o++) {
                uint32_t sum = (uint32_t)bias[o];
                weights = add_filter(p, i, j, from, weights, &sum);
                const int32_t v = ep_high_mul((int32_t)sum, mult[o]);
                const int32_t scaled = (((v + (v >> 31)) >> (-1 - shift[o])) + 1) >> 1;
                *y++ = (int8_t)ep_limit(scaled + p->y_zero, p->low, p->high);
                if (--left == 0) {
                    left = p->filters;
                    from += p->depth;
                }
            }
            y += p->gap;
        }
    }
}
