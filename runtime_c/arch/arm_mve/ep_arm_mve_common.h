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

#endif
