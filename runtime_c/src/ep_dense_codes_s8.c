/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_codes.h"

#define EP_PARAMS ep_dense_codes_s8_params

#include "ep_dense_codes_body.inc"

void ep_dense_codes_s8(const ep_dense_codes_s8_params *p, const uint32_t *codes,
                       const int8_t *values, const int32_t *bias, const int32_t *mult,
                       const int8_t *shift, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        place at = {codes, 0, 0};
        for (int32_t o = 0; o < p->out_len; o++) {
            const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sum(p, &at, values, x));
            *y++ = finished(p, (int64_t)acc * mult[o], shift[o]);
        }
        x += p->in_len;
    }
}
