#ifndef EP_GELU_TANH_F32_H
#define EP_GELU_TANH_F32_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
} ep_gelu_tanh_f32_params;

/* y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))): the approximation of GELU
 *
 * x float [length]
 * y float [length]; may be x */
void ep_gelu_tanh_f32(const ep_gelu_tanh_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
