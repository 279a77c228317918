/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MATMUL_S16_H
#define EP_MATMUL_S16_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t count;  /* products, one after the other */
    int32_t a_step; /* elements from one matrix to the next; 0: there is one for all */
    int32_t b_step;
    int32_t rows;       /* of a and y */
    int32_t in_len;     /* columns of a */
    int32_t out_len;    /* columns of y */
    int32_t transposed; /* 1: b is [out_len][in_len] */
    int32_t mult;       /* rescale: a multiplier of 16 bits, */
    int32_t shift;      /* and how far its product is shifted right */
} ep_matmul_s16_params;

/* y[r][c] = limit((sum_i a[r][i] * b[i][c] * mult + half) >> shift), for each of the matrices
 *
 * a  int16 [rows][in_len]
 * b  int16 [in_len][out_len]
 * y  int16 [count][rows][out_len]; may not overlap a or b */
void ep_matmul_s16(const ep_matmul_s16_params *p, const int16_t *a, const int16_t *b, int16_t *y);

EP_EXTERN_C_END
#endif
