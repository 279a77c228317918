/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MATMUL_F32_H
#define EP_MATMUL_F32_H

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
} ep_matmul_f32_params;

/* y[r][c] = sum_i a[r][i] * b[i][c], for each of the matrices
 *
 * a  float [rows][in_len]
 * b  float [in_len][out_len]
 * y  float [count][rows][out_len]; may not overlap a or b */
void ep_matmul_f32(const ep_matmul_f32_params *p, const float *a, const float *b, float *y);

EP_EXTERN_C_END
#endif
