/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_requantize_s8_arm_mve.h"

#include "ep_arm_mve_common.h"

void ep_requantize_s8_arm_mve(const ep_requantize_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t n = p->length; n > 0; n -= 4) {
        const mve_pred16_t inside = vctp32q((uint32_t)n);
        const int32x4_t centred = vsubq_n_s32(vldrbq_z_s32(x, inside), p->x_zero);
        const int32x4_t v = vaddq_n_s32(ep_arm_mve_rescale(centred, p->mult, p->shift), p->y_zero);
        vstrbq_p_s32(y, ep_arm_mve_limit(v, p->act_min, p->act_max), inside);
        x += 4;
        y += 4;
    }
}
