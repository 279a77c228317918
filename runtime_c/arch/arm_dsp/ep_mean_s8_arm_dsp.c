/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mean_s8_arm_dsp.h"

#include "ep_add_fours_arm_dsp.h"

static EP_NOINLINE int8_t mean(const ep_mean_s8_params *p, int32_t sum)
{
    const int32_t v = ep_rescale(sum - p->offset, p->mult, p->shift) + p->y_zero;
    return (int8_t)ep_limit(v, -128, 127);
}

void ep_mean_s8_arm_dsp(const ep_mean_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->outer; i++) {
        int32_t k = 0;
        for (; k + 4 <= p->inner; k += 4) {
            int32_t sums[4] = {0, 0, 0, 0};
            ep_add_fours(x + k, p->count, p->inner, sums);
            for (int32_t c = 0; c < 4; c++) {
                *y++ = mean(p, sums[c]);
            }
        }
        for (; k < p->inner; k++) {
            int32_t sum = 0;
            for (int32_t j = 0; j < p->count; j++) {
                sum += x[j * p->inner + k];
            }
            *y++ = mean(p, sum);
        }
        x += p->count * p->inner;
    }
}
