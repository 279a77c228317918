/* SPDX-License-Identifier: Apache-2.0 */
/* int8 fully connected layer: eight channels at a time, sixteen products an instruction. */
#ifndef EP_DENSE_S8_ARM_MVE_H
#define EP_DENSE_S8_ARM_MVE_H

#include "ep_common.h"

typedef struct {
    int32_t rows; /* vectors */
    int32_t in_len;
    int32_t out_len;
    int32_t y_zero;
    int32_t act_min;
    int32_t act_max;
    int32_t mult;  /* where all channels share it */
    int32_t shift; /* negative */
} ep_dense_s8_arm_mve_params;

/* As ep_dense_s8, bit for bit. Every shift is negative.
 *
 * w      int8, in blocks of 8 channels: [in_len / 16][8][16], then [8][in_len % 16]; channels that
 *        are left over one by one; 15 bytes behind the last may be read
 * table  for each block: bias [8], multipliers of the even channels [4], of the odd ones [4], and
 *        shifts in the same order, int8 [8]; only the biases where they are shared. For each channel that is left over:
 *        bias, multiplier, shift. The input's zero point is folded into the bias
 * x      int8 [rows][in_len]
 * y      int8 [rows][out_len] */
void ep_dense_s8_arm_mve(const ep_dense_s8_arm_mve_params *p, const int8_t *w,
                         const int32_t *table, const int8_t *x, int8_t *y);

/* The same where all channels share one multiplier and shift. */
void ep_dense_shared_s8_arm_mve(const ep_dense_s8_arm_mve_params *p, const int8_t *w,
                                const int32_t *table, const int8_t *x, int8_t *y);

#endif
