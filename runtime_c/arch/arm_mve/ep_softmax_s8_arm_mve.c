/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_softmax_s8_arm_mve.h"

#include "ep_exp_arm_mve.h"

/* Exponentials of x - top; 0 where the difference is too small. */
static int32x4_t exponentials(const ep_softmax_s8_params *p, int32x4_t x, int32_t top)
{
    return ep_arm_mve_exponentials(vsubq_n_s32(x, top), p->mult, p->shift, p->diff_min);
}

void ep_softmax_s8_arm_mve(const ep_softmax_s8_params *p, const int8_t *x, void *scratch,
                           int8_t *y)
{
    int32_t *const kept = (int32_t *)scratch;
    for (int32_t row = 0; row < p->rows; row++) {
        const int32_t top = ep_arm_mve_largest(x, p->length);
        int32_t sum = 0; /* Q12.19 */
        for (int32_t i = 0; i < p->length; i += 4) {
            const mve_pred16_t inside = vctp32q((uint32_t)(p->length - i));
            const int32x4_t e = exponentials(p, vldrbq_z_s32(x + i, inside), top);
            sum = vaddvaq_p_s32(sum, ep_arm_mve_divide_by_pot(e, 12), inside);
            if (p->keep != 0) {
                vstrwq_p_s32(kept + i, e, inside);
            }
        }
        int32_t exponent;
        const int32_t reciprocal = ep_arm_mve_reciprocal(sum, &exponent);
        for (int32_t i = 0; i < p->length; i += 4) {
            const mve_pred16_t inside = vctp32q((uint32_t)(p->length - i));
            const int32x4_t e = p->keep != 0
                                    ? vldrwq_z_s32(kept + i, inside)
                                    : exponentials(p, vldrbq_z_s32(x + i, inside), top);
            const int32x4_t v = ep_arm_mve_divide_by_pot(vqrdmulhq_n_s32(e, reciprocal), exponent);
            vstrbq_p_s32(y + i, ep_arm_mve_limit(vaddq_n_s32(v, -128), -128, 127), inside);
        }
        x += p->length;
        y += p->length;
    }
}
