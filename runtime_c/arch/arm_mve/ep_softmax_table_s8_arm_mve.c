/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_softmax_table_s8_arm_mve.h"

#include "ep_exp_arm_mve.h"

/* By difference, from -255 to 0. */
static void tabulate(const ep_softmax_table_s8_params *p, int32_t *exps)
{
    int32x4_t diff = vreinterpretq_s32_u32(vidupq_n_u32(0, 1));
    diff = vsubq_n_s32(diff, EP_SOFTMAX_ENTRIES - 1);
    for (int32_t i = 0; i < EP_SOFTMAX_ENTRIES; i += 4) {
        vst1q_s32(exps + i, ep_arm_mve_exponentials(diff, p->mult, p->shift, p->diff_min));
        diff = vaddq_n_s32(diff, 4);
    }
}

/* The exponentials of four elements; first is the entry of 0. */
static int32x4_t look_up(const int32_t *exps, int32_t first, const int8_t *x, mve_pred16_t inside)
{
    const int32x4_t at = vaddq_n_s32(vldrbq_z_s32(x, inside), first);
    return vldrwq_gather_shifted_offset_z_s32(exps, vreinterpretq_u32_s32(at), inside);
}

void ep_softmax_table_s8_arm_mve(const ep_softmax_table_s8_params *p, const int8_t *x,
                                 void *scratch, int8_t *y)
{
    int32_t *const exps = (int32_t *)scratch;
    tabulate(p, exps);
    for (int32_t row = 0; row < p->rows; row++) {
        const int32_t first = EP_SOFTMAX_ENTRIES - 1 - ep_arm_mve_largest(x, p->length);
        int32_t sum = 0; /* Q12.19 */
        for (int32_t i = 0; i < p->length; i += 4) {
            const mve_pred16_t inside = vctp32q((uint32_t)(p->length - i));
            const int32x4_t e = look_up(exps, first, x + i, inside);
            sum = vaddvaq_s32(sum, vrshrq_n_s32(e, 12)); /* 0 outside */
        }
        int32_t exponent;
        const int32_t reciprocal = ep_arm_mve_reciprocal(sum, &exponent);
        for (int32_t i = 0; i < p->length; i += 4) {
            const mve_pred16_t inside = vctp32q((uint32_t)(p->length - i));
            const int32x4_t e = look_up(exps, first, x + i, inside);
            const int32x4_t share = vrshlq_n_s32(vqrdmulhq_n_s32(e, reciprocal), -exponent);
            const int32x4_t v = vminq_s32(vsubq_n_s32(share, 128), vdupq_n_s32(127));
            vstrbq_p_s32(y + i, v, inside);
        }
        x += p->length;
        y += p->length;
    }
}
