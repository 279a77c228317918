#ifndef EP_HARD_SWISH_F32_H
#define EP_HARD_SWISH_F32_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
} ep_hard_swish_f32_params;

/* y = x * min(max(x + 3, 0), 6) / 6
 *
 * x float [length]
 * y float [length]; may be x */
void ep_hard_swish_f32(const ep_hard_swish_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
