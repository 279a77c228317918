#ifndef EP_TANH_F32_H
#define EP_TANH_F32_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
} ep_tanh_f32_params;

/* y = tanh(x)
 *
 * x float [length]
 * y float [length]; may be x */
void ep_tanh_f32(const ep_tanh_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
