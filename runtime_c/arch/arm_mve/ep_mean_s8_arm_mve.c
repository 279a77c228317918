/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mean_s8_arm_mve.h"

#include "ep_arm_mve_common.h"

#define LANES 8
#define MOST 255 /* int8 numbers whose sum is an int16 */

/* Sums of the numbers of some lanes, `count` of each. */
static inline int16x8_t sums(const int8_t *x, int32_t count, int32_t step, mve_pred16_t inside)
{
    int16x8_t sum = vdupq_n_s16(0);
    for (; count > 0; count--, x += step) {
        sum = vaddq_s16(sum, vldrbq_z_s16(x, inside));
    }
    return sum;
}

static inline int32x4_t finish(const ep_mean_s8_params *p, int32x4_t sum)
{
    const int32x4_t offset = vsubq_n_s32(sum, p->offset);
    return vaddq_n_s32(ep_arm_mve_rescale(offset, p->mult, p->shift), p->y_zero);
}

/* Means of up to eight numbers that lie together. */
static void eight(const ep_mean_s8_params *p, const int8_t *x, mve_pred16_t inside, int8_t *y)
{
    int32x4_t even = vdupq_n_s32(0), odd = vdupq_n_s32(0);
    for (int32_t left = p->count; left > 0; left -= MOST, x += MOST * p->inner) {
        const int16x8_t sum = sums(x, left < MOST ? left : MOST, p->inner, inside);
        even = vaddq_s32(even, vmovlbq_s16(sum));
        odd = vaddq_s32(odd, vmovltq_s16(sum));
    }
    int16x8_t v = vqmovnbq_s32(vdupq_n_s16(0), finish(p, even));
    v = vqmovntq_s32(v, finish(p, odd));
    v = vmaxq_s16(vminq_s16(v, vdupq_n_s16(127)), vdupq_n_s16(-128));
    vstrbq_p_s16(y, v, inside);
}

void ep_mean_s8_arm_mve(const ep_mean_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t k = 0; k < p->inner; k += LANES) {
            eight(p, x + k, vctp16q((uint32_t)(p->inner - k)), y + k);
        }
        x += p->count * p->inner;
        y += p->inner;
    }
}
