/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mean_s8_arm_mve.h"

#include "ep_arm_mve_common.h"

void ep_mean_s8_arm_mve(const ep_mean_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t k = 0; k < p->inner; k += 4) {
            const mve_pred16_t inside = vctp32q((uint32_t)(p->inner - k));
            int32x4_t sum = vdupq_n_s32(-p->offset);
            const int8_t *from = x + k;
            for (int32_t j = p->count; j > 0; j--, from += p->inner) {
                sum = vaddq_s32(sum, vldrbq_z_s32(from, inside));
            }
            const int32x4_t v = vaddq_n_s32(ep_arm_mve_rescale(sum, p->mult, p->shift), p->y_zero);
            vstrbq_p_s32(y + k, ep_arm_mve_limit(v, -128, 127), inside);
        }
        x += p->count * p->inner;
        y += p->inner;
    }
}
