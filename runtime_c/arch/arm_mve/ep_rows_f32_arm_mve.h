/* SPDX-License-Identifier: Apache-2.0 */
/* float32 arithmetic of two operands on Helium, row by row. */
#ifndef EP_ROWS_F32_ARM_MVE_H
#define EP_ROWS_F32_ARM_MVE_H

#include "ep_broadcast.h"

/* y[i] = the sum or the product of a[i] and b[i], or of a[i] and b[0], within limits[0] and limits[1]
 *
 * n        elements, at least 1
 * repeated whether every element meets b[0] */
typedef void ep_row_f32(const float *a, const float *b, int32_t n, float *y, const float *limits,
                        int32_t repeated);

ep_row_f32 ep_add_row_f32_arm_mve, ep_mul_row_f32_arm_mve;

/* All rows of two operands that may change places. */
static inline void ep_rows_f32(const ep_broadcast *p, ep_row_f32 *row, const float *limits, const float *a,
                               const float *b, float *y)
{
    const int32_t last = EP_AXES - 1;
    const int32_t rows = ep_broadcast_rows(p);
    for (int32_t i = 0; i < rows; i++) {
        const float *const left = a + ep_broadcast_at(p, p->a_step, i);
        const float *const right = b + ep_broadcast_at(p, p->b_step, i);
        if (p->a_step[last] != 0) {
            row(left, right, p->size[last], y, limits, p->b_step[last] == 0);
        } else {
            row(right, left, p->size[last], y, limits, 1);
        }
        y += p->size[last];
    }
}

#endif
