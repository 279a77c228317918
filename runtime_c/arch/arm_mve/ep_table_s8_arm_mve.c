/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_table_s8_arm_mve.h"

#include "ep_arm_mve_common.h"

void ep_table_s8_arm_mve(const ep_table_s8_params *p, const int8_t *table, const int8_t *x,
                         int8_t *y)
{
    const uint8x16_t top = vdupq_n_u8(128);
    for (int32_t n = p->length; n > 0; n -= 16) {
        const mve_pred16_t inside = vctp8q((uint32_t)n);
        const uint8x16_t at = veorq_u8(vreinterpretq_u8_s8(vldrbq_z_s8(x, inside)), top);
        vstrbq_p_s8(y, vldrbq_gather_offset_z_s8(table, at, inside), inside);
        x += 16;
        y += 16;
    }
}
