#ifndef EP_SIGMOID_F32_H
#define EP_SIGMOID_F32_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
} ep_sigmoid_f32_params;

/* y = 1 / (1 + exp(-x))
 *
 * x float [length]
 * y float [length]; may be x */
void ep_sigmoid_f32(const ep_sigmoid_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
