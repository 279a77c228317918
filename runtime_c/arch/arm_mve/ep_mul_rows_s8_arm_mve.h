/* SPDX-License-Identifier: Apache-2.0 */
/* int8 products of two operands, each whole or one row that is repeated, in assembly. */
#ifndef EP_MUL_ROWS_S8_ARM_MVE_H
#define EP_MUL_ROWS_S8_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    int32_t a_minus; /* the zero points, negated */
    int32_t b_minus;
    int32_t mult;
    int32_t shift; /* negative */
    int32_t y_zero;
    int32_t y_next; /* from where four elements at a time end to the next row: length - 4 * ceil(length / 4) */
    int32_t length; /* of a row, at least 1 */
    int32_t a_next; /* as y_next, or less the length where it is repeated */
    int32_t b_next;
    int32_t act_min;
    int32_t act_max;
    int32_t rows; /* at least 1 */
} ep_mul_rows_s8_arm_mve_params;

/* As ep_mul_s8, bit for bit.
 *
 * a, b int8 [rows][length], or [length]
 * y    int8 [rows][length]; may be an operand that is not repeated */
void ep_mul_rows_s8_arm_mve(const ep_mul_rows_s8_arm_mve_params *p, const int8_t *a, const int8_t *b,
                            int8_t *y);

#endif
