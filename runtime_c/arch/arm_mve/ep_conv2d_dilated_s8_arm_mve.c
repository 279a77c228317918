/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_s8_arm_mve.h"

void ep_conv2d_dilated_s8_arm_mve(const ep_conv2d_s8_arm_mve_params *p, const int8_t *w,
                                  const int32_t *table, const int8_t *x, void *gathered, int8_t *y)
{
    ep_conv2d_s8_arm_mve_params part = *p;
    for (int32_t i = 0; i < p->lines.dilation && i < p->lines.out; i++) {
        const int8_t *from = x;
        int8_t *to = y;
        part.lines = ep_phase_of(&p->lines, i, &from, &to);
        for (int32_t j = 0; j < p->pixels.dilation && j < p->pixels.out; j++) {
            const int8_t *first = from;
            int8_t *result = to;
            part.pixels = ep_phase_of(&p->pixels, j, &first, &result);
            ep_conv2d_s8_arm_mve(&part, w, table, first, gathered, result);
        }
    }
}
