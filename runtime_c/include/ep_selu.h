/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SELU_H
#define EP_SELU_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    float above;    /* slope where positive */
    float below;
    float inner;
} ep_selu_f32_params;

/* y = above x where x >= 0, below (exp(inner x) - 1) elsewhere: SELU, CELU and scaled ELU
 *
 * x float [length]
 * y float [length]; may be x */
void ep_selu_f32(const ep_selu_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
