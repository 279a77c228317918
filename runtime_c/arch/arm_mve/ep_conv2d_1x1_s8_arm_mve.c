#include "ep_conv2d_1x1_s8_arm_mve.h"

void ep_conv2d_1x1_s8_arm_mve(const ep_conv2d_1x1_s8_arm_mve_params *p, const int8_t *w,
                              const int32_t *table, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->lines; i++) {
        ep_conv_line_arm_mve(&p->line, w, table, x, p->x_step, p->pixels, y, p->line.out_c);
        x += p->line_step;
        y += p->pixels * p->line.out_c;
    }
}
