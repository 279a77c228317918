/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mul_f32_arm_mve.h"

#include "ep_rows_f32_arm_mve.h"

void ep_mul_f32_arm_mve(const ep_mul_f32_params *p, const float *a, const float *b, float *y)
{
    const float limits[2] = {p->act_min, p->act_max};
    ep_rows_f32(&p->shape, ep_mul_row_f32_arm_mve, limits, a, b, y);
}
