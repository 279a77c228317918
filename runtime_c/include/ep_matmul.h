/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MATMUL_H
#define EP_MATMUL_H

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
    int32_t a_zero;     /* zero points, [-128, 127] */
    int32_t b_zero;
    int32_t y_zero;
    int32_t mult; /* rescale */
    int32_t shift;
} ep_matmul_s8_params;

/* y[r][c] = limit(rescale(sum_i (a[r][i] - a_zero) * (b[i][c] - b_zero)) + y_zero), for each of
 * the matrices
 *
 * a        int8 [rows][in_len]
 * b        int8 [in_len][out_len]
 * scratch  int32 [out_len], then int8 [in_len * out_len]: b in blocks (EP_BLOCK)
 * y        int8 [count][rows][out_len]; may not overlap a or b
 *
 * The compiler has checked that no sum leaves int32. */
void ep_matmul_s8(const ep_matmul_s8_params *p, const int8_t *a, const int8_t *b, void *scratch,
                  int8_t *y);

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
