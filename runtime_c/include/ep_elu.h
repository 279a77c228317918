/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_ELU_H
#define EP_ELU_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    float alpha;
} ep_elu_f32_params;

/* y = x where x >= 0, alpha * (exp(x) - 1) elsewhere
 *
 * x float [length]
 * y float [length]; may be x */
void ep_elu_f32(const ep_elu_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
