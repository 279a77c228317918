/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_codes_short.h"

#define EP_PARAMS ep_dense_codes_short_s8_params

#include "ep_dense_codes_body.inc"

void ep_dense_codes_short_s8(const ep_dense_codes_short_s8_params *p, const uint32_t *codes,
                             const int8_t *values, const uint8_t *rescale, const int8_t *x,
                             int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        place at = {codes, 0, 0};
        const uint8_t *r = rescale;
        for (int32_t o = 0; o < p->out_len; o++) {
            int32_t shift = 0;
            const int32_t mult = (int32_t)ep_short_mult(p->unit, r[0], &shift);
            const uint32_t bias = (uint32_t)ep_short_bias(r, p->up);
            const int32_t acc = (int32_t)(bias + (uint32_t)sum(p, &at, values, x));
            const int64_t product = (int64_t)acc * mult; /* exact: a half below zero goes down */
            *y++ = finished(p, product + (acc >> 31), p->shift + shift);
            r += EP_SHORT_BYTES;
        }
        x += p->in_len;
    }
}
