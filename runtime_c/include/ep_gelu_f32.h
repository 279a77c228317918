#ifndef EP_GELU_F32_H
#define EP_GELU_F32_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
} ep_gelu_f32_params;

/* y = x * P(X <= x) for a standard normal X
 *
 * x float [length]
 * y float [length]; may be x */
void ep_gelu_f32(const ep_gelu_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
