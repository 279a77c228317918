/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_add_any_s8_arm_mve.h"

#include "ep_arm_mve_common.h"

static int32x4_t term(const ep_add_s8_term *t, int32x4_t v)
{
    const int32x4_t centred = vshlq_n_s32(vsubq_n_s32(v, t->zero), 20);
    return vmulq_n_s32(ep_arm_mve_rescale(centred, t->mult, t->shift), t->sign);
}

/* A row; the step of an operand is 1, or 0 where it is repeated. */
static void row(const ep_add_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y)
{
    const int32_t last = EP_AXES - 1;
    const uint32x4_t lanes = vidupq_n_u32(0, 1);
    const uint32x4_t at_a = vmulq_n_u32(lanes, (uint32_t)p->shape.a_step[last]);
    const uint32x4_t at_b = vmulq_n_u32(lanes, (uint32_t)p->shape.b_step[last]);
    for (int32_t n = p->shape.size[last]; n > 0; n -= 4) {
        const mve_pred16_t inside = vctp32q((uint32_t)n);
        const int32x4_t left = term(&p->a, vldrbq_gather_offset_z_s32(a, at_a, inside));
        const int32x4_t right = term(&p->b, vldrbq_gather_offset_z_s32(b, at_b, inside));
        const int32x4_t sum = vaddq_s32(left, right);
        const int32x4_t v =
            vaddq_n_s32(ep_arm_mve_rescale(sum, p->y_mult, p->y_shift), p->y_zero);
        vstrbq_p_s32(y, ep_arm_mve_limit(v, p->act_min, p->act_max), inside);
        a += 4 * p->shape.a_step[last];
        b += 4 * p->shape.b_step[last];
        y += 4;
    }
}

void ep_add_any_s8_arm_mve(const ep_add_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y)
{
    const int32_t rows = ep_broadcast_rows(&p->shape);
    for (int32_t i = 0; i < rows; i++) {
        row(p, a + ep_broadcast_at(&p->shape, p->shape.a_step, i),
            b + ep_broadcast_at(&p->shape, p->shape.b_step, i), y);
        y += p->shape.size[EP_AXES - 1];
    }
}
