/* SPDX-License-Identifier: Apache-2.0 */
/* Two operands of an elementwise operator, one or both repeated along some axes. */
#ifndef EP_BROADCAST_H
#define EP_BROADCAST_H

#include "ep_common.h"

#define EP_AXES 4

/* Element (i0, i1, i2, i3) of an operand lies at the sum of i * step; step 0 repeats. */
typedef struct {
    int32_t size[EP_AXES];
    int32_t a_step[EP_AXES];
    int32_t b_step[EP_AXES];
} ep_broadcast;

/* Where the two operands of a row (the last axis) begin; row counts all rows of the result. */
static inline int32_t ep_broadcast_rows(const ep_broadcast *p)
{
    return p->size[0] * p->size[1] * p->size[2];
}

static inline int32_t ep_broadcast_at(const ep_broadcast *p, const int32_t *step, int32_t row)
{
    const int32_t k = row % p->size[2];
    const int32_t j = row / p->size[2] % p->size[1];
    const int32_t i = row / p->size[2] / p->size[1];
    return i * step[0] + j * step[1] + k * step[2];
}

#endif
