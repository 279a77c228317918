/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_KEEP_H
#define EP_KEEP_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_broadcast shape;
    int32_t swap; /* not 0: a is the condition, b the value; 0: the other way round */
} ep_keep_f32_params;

/* y = the value where the condition is not 0, else 0, whatever the value is there
 *
 * a, b float
 * y    float, contiguous; may be an operand that is not repeated */
void ep_keep_f32(const ep_keep_f32_params *p, const float *a, const float *b, float *y);

EP_EXTERN_C_END
#endif
