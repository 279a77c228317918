/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes copied sixteen at a time. */
#ifndef EP_COPY_ARM_MVE_H
#define EP_COPY_ARM_MVE_H

#include <arm_mve.h>

#include "ep_common.h"

/* To another place, or to a lower one that overlaps. */
static inline void ep_copy_arm_mve(int8_t *to, const int8_t *from, int32_t bytes)
{
    for (int32_t n = bytes / 16; n > 0; n--) {
        vstrbq_s8(to, vldrbq_s8(from));
        to += 16;
        from += 16;
    }
    const mve_pred16_t left = vctp8q((uint32_t)bytes % 16);
    vstrbq_p_s8(to, vldrbq_z_s8(from, left), left);
}

#endif
