/* SPDX-License-Identifier: Apache-2.0 */
/* int8 fully connected layer without working memory: activations widened for every four channels. */
#ifndef EP_DENSE_BYTES_S8_ARM_DSP_H
#define EP_DENSE_BYTES_S8_ARM_DSP_H

#include "ep_arm_dsp_quads.h"

typedef struct {
    int32_t rows; /* vectors */
    int32_t in_len;
    int32_t out_len;
    int32_t twice_zero; /* 2 * output zero point + 1 */
    int32_t mult;       /* shared by all channels: the multiplier, and shifts - 1 of a pair */
    int32_t shift_a;
    int32_t shift_b;
    ep_arm_dsp_quads *quads; /* a loop over bytes */
} ep_dense_bytes_s8_arm_dsp_params;

/* As ep_dense_s8, bit for bit.
 *
 * w      packed by the compiler: fours of channels (ep_arm_dsp_quads.h), the last one filled up
 * table  the same order
 * x      int8 [rows][in_len]
 * y      int8 [rows][out_len]; may not overlap x */
void ep_dense_bytes_s8_arm_dsp(const ep_dense_bytes_s8_arm_dsp_params *p, const void *w,
                               const int32_t *table, const int8_t *x, int8_t *y);

#endif
