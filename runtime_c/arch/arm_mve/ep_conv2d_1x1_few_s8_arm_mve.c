/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_1x1_few_s8_arm_mve.h"

#include "ep_conv_few_arm_mve.h"
#include "ep_spread_arm_mve.h"

#define LANES 16
#define BLOCK 4
#define WORDS 9 /* of a block's part of the table */

void ep_conv2d_1x1_few_s8_arm_mve(const ep_conv2d_1x1_copied_s8_arm_mve_params *p, const int8_t *w,
                                  const int32_t *table, const int8_t *x, void *scratch, int8_t *y)
{
    const int32_t in_c = p->line.in_len, out_c = p->line.out_c;
    const int32_t *const table_end = table + out_c / BLOCK * WORDS;
    for (int32_t left = p->pixels; left > 0; left -= p->block) {
        const int32_t count = left < p->block ? left : p->block;
        const ep_spread apart = {(int8_t *)scratch, x, count, in_c, LANES, in_c};
        const ep_conv_few few = {
            apart.to, count, y, out_c, p->line.y_zero, in_c, w, table, table_end};
        ep_spread_arm_mve(&apart);
        ep_conv_few_arm_mve(&few);
        x += count * in_c;
        y += count * out_c;
    }
}
