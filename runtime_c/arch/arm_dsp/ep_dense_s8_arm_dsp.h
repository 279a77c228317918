/* SPDX-License-Identifier: Apache-2.0 */
/* int8 fully connected layer: activations widened once, four channels at a time. */
#ifndef EP_DENSE_S8_ARM_DSP_H
#define EP_DENSE_S8_ARM_DSP_H

#include "ep_arm_dsp_quads.h"
#include "ep_arm_dsp_tile.h"

typedef struct {
    int32_t rows; /* vectors */
    int32_t in_len;
    int32_t out_len;
    int32_t twice_zero; /* 2 * output zero point + 1 */
    int32_t shared;     /* one multiplier for all channels */
    int32_t mult;       /* shared: the multiplier, and shifts - 1 of the channels of a pair */
    int32_t shift_a;
    int32_t shift_b;
    int32_t filled;     /* the last out_len % 4 channels are a four in the packed arrays */
    ep_arm_dsp_quads *quads; /* channels in fours; null: fewer than 4 */
    ep_arm_dsp_tile pair;    /* two of the last out_len % 4 channels */
    ep_arm_dsp_tile solo;    /* one of them */
} ep_dense_s8_arm_dsp_params;

/* As ep_dense_s8, bit for bit.
 *
 * w        packed by the compiler: fours of channels (ep_arm_dsp_quads.h), then two, then one
 *          (ep_arm_dsp_tile.h)
 * table    the same order
 * x        int8 [rows][in_len]
 * scratch  uint32 [(in_len + 1) / 2]
 * y        int8 [rows][out_len] */
void ep_dense_s8_arm_dsp(const ep_dense_s8_arm_dsp_params *p, const void *w, const int32_t *table,
                         const int8_t *x, void *scratch, int8_t *y);

#endif
