/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_1x1_s8_arm_mve.h"

#include "ep_copy_arm_mve.h"

void ep_conv2d_1x1_s8_arm_mve(const ep_conv2d_1x1_s8_arm_mve_params *p, const int8_t *w,
                              const int32_t *table, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->lines; i++) {
        ep_conv_line_arm_mve(&p->line, w, table, x, p->x_step, p->pixels, y, p->y_step);
        x += p->line_step;
        y += p->pixels * p->y_step;
    }
}

void ep_conv2d_1x1_copied_s8_arm_mve(const ep_conv2d_1x1_copied_s8_arm_mve_params *p,
                                     const int8_t *w, const int32_t *table, const int8_t *x,
                                     void *scratch, int8_t *y)
{
    const int32_t in_c = p->line.in_len, out_c = p->line.out_c;
    for (int32_t left = p->pixels; left > 0; left -= p->block) {
        const int32_t count = left < p->block ? left : p->block;
        ep_copy_arm_mve(scratch, x, count * in_c);
        ep_conv_line_arm_mve(&p->line, w, table, scratch, in_c, count, y, out_c);
        x += count * in_c;
        y += count * out_c;
    }
}
