/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_ADD_TABLE_H
#define EP_ADD_TABLE_H

#include "ep_broadcast.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_broadcast shape;
    int32_t swap;   /* not 0: b is the operand of the larger scale */
    int32_t factor; /* what the operand of the larger scale is multiplied with: 2^19, or -2^19 */
    int32_t offset; /* its zero point times that */
    int32_t zero;   /* of the other operand: */
    int32_t mult;
    int32_t shift; /* [-22, 0] */
    int32_t sign;  /* 1, or -1: subtracted */
    int32_t y_zero;
    int32_t y_mult;
    int32_t y_shift; /* [-22, -1] */
    int32_t low;     /* fused clamp, [-128, high] */
    int32_t high;
} ep_add_table_s8_params;

/* The same results as ep_add_s8, faster where there are many: the operand of the larger scale is
 * only shifted, the rescaled values of the other one are written into a table first.
 *
 * a, b    int8
 * scratch 256 int32, aligned
 * y       int8, contiguous; may be an operand that is not repeated */
void ep_add_table_s8(const ep_add_table_s8_params *p, const int8_t *a, const int8_t *b,
                     void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
