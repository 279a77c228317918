/* SPDX-License-Identifier: Apache-2.0 */
/* What the Helium kernels share. */
#ifndef EP_ARM_MVE_COMMON_H
#define EP_ARM_MVE_COMMON_H

#include <arm_mve.h>

#include "ep_common.h"

/* bias + sum_k x[k] * w[k] */
static inline int32_t ep_arm_mve_dot(int32_t bias, const int8_t *x, const int8_t *w, int32_t n)
{
    int32_t acc = bias;
    for (; n > 0; n -= 16) {
        const mve_pred16_t inside = vctp8q((uint32_t)n);
        acc = vmladavaq_p_s8(acc, vldrbq_z_s8(x, inside), vldrbq_z_s8(w, inside), inside);
        x += 16;
        w += 16;
    }
    return acc;
}

/* ep_rescale of four numbers. */
static inline int32x4_t ep_arm_mve_rescale(int32x4_t x, int32_t mult, int32_t shift)
{
    if (shift >= 0) {
        return vqrdmulhq_n_s32(vshlq_r_s32(x, shift), mult);
    }
    x = vqrdmulhq_n_s32(x, mult);
    return vrshlq_n_s32(vqaddq_s32(x, vshrq_n_s32(x, 31)), shift);
}

/* The inclusive range [low, high] of four numbers. */
static inline int32x4_t ep_arm_mve_limit(int32x4_t x, int32_t low, int32_t high)
{
    return vminq_s32(vmaxq_s32(x, vdupq_n_s32(low)), vdupq_n_s32(high));
}

#endif
