/* SPDX-License-Identifier: Apache-2.0 */
/* int8 product of two computed matrices by the tiles of convolutions: four rows of a, less their zero point
 * and as int16, times pairs of columns of b. */
#ifndef EP_MATMUL_S8_ARM_DSP_H
#define EP_MATMUL_S8_ARM_DSP_H

#include "ep_arm_dsp_tile.h"

typedef struct {
    int32_t count;  /* products, one after the other */
    int32_t a_step; /* elements from one matrix to the next; 0: there is one for all */
    int32_t b_step;
    int16_t rows;       /* of a and y */
    int16_t in_len;     /* columns of a */
    int16_t out_len;    /* columns of y */
    int16_t transposed; /* 1: b is [out_len][in_len] */
    int16_t a_zero;     /* zero points, [-128, 127] */
    int16_t b_zero;
    int16_t planes;     /* pairs of terms of a sum; weights of those that are none are zero */
    int16_t twice_zero; /* 2 * output zero point + 1 */
    int32_t mult;       /* rescale, as in the tables of ep_arm_dsp_tile.h */
    int32_t shift;
    int16_t ahead;        /* bytes by which the tile of 4 rows reads ahead */
    ep_arm_dsp_tile tile; /* 4 rows */
    ep_arm_dsp_tile tail; /* the last rows % 4 */
    ep_arm_dsp_tile solo; /* the same for an odd last column */
    ep_arm_dsp_tile solo_tail;
} ep_matmul_s8_arm_dsp_params;

/* As ep_matmul_s8, bit for bit.
 *
 * The sum of (a - a_zero) * (b - b_zero) is that of (a - a_zero) * b and, for every EP_MATMUL_PART columns
 * of a, of (the sum of their a - a_zero, which an int16 holds) * -b_zero, in two terms, as -(-128) is no
 * int8.
 *
 * scratch  int32 [EP_MATMUL_PAIRS * 6]: a table of the tiles; uint32 [planes][4]: four rows; then
 *          int8 [out_len][2 * planes]: b in the order of the tiles, pairs of columns in the wide form */
#define EP_MATMUL_PART 128
#define EP_MATMUL_PAIRS 8

void ep_matmul_s8_arm_dsp(const ep_matmul_s8_arm_dsp_params *p, const int8_t *a, const int8_t *b,
                          void *scratch, int8_t *y);

#endif
