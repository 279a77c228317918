/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_svdf_time.h"

void ep_svdf_time_s16(const ep_svdf_time_s16_params *p, const int16_t *w, const int32_t *bias,
                      const int16_t *x, int8_t *y)
{
    const int16_t *const end = x + p->filters;
    while (x < end) {
        uint32_t sum = (uint32_t)*bias++;
        for (int32_t k = 0; k < p->rank; k++, x++) {
            const int16_t *from = x;
            for (int32_t t = 0; t < p->frames; t++, from += p->filters) {
                sum += (uint32_t)((int32_t)*from * *w++);
            }
        }
        const int32_t v = ep_rescale((int32_t)sum, p->mult, p->shift) + p->zero;
        *y++ = (int8_t)ep_limit(v, -128, 127);
    }
}
