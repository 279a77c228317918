/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mean_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

enum { LONGEST = 255 }; /* sums of so many int8 fit into int16 */

static EP_NOINLINE int8_t mean(const ep_mean_s8_params *p, int32_t sum)
{
    const int32_t v = ep_rescale(sum - p->offset, p->mult, p->shift) + p->y_zero;
    return (int8_t)ep_limit(v, -128, 127);
}

/* `inner` bytes apart, four channels of `count` elements. */
static void sum4(const int8_t *x, int32_t count, int32_t inner, int32_t sums[4])
{
    sums[0] = sums[1] = sums[2] = sums[3] = 0;
    while (count > 0) {
        const int32_t part = count < LONGEST ? count : LONGEST;
        uint32_t even = 0;
        uint32_t odd = 0;
        for (int32_t i = part; i > 0; i--, x += inner) {
            const uint32_t word = ep_load4(x);
            even = ep_add_even_bytes(even, word);
            odd = ep_add_odd_bytes(odd, word);
        }
        sums[0] += (int16_t)even;
        sums[1] += (int16_t)odd;
        sums[2] += (int16_t)(even >> 16);
        sums[3] += (int16_t)(odd >> 16);
        count -= part;
    }
}

void ep_mean_s8_arm_dsp(const ep_mean_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->outer; i++) {
        int32_t k = 0;
        for (; k + 4 <= p->inner; k += 4) {
            int32_t sums[4];
            sum4(x + k, p->count, p->inner, sums);
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
