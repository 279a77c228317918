/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_LSTM_H
#define EP_LSTM_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t steps;
    int32_t inputs;
    int32_t units;
    int32_t cell_bits; /* integer bits of the cell, [0, 6] */
    int32_t clip;      /* of the cell; 32768: none */
    int32_t mult;      /* from Q0.30 to the state */
    int32_t shift;
    int32_t zero; /* zero point of the state */
} ep_lstm_s8_params;

/* A long short-term memory over all steps of x; gates are input, forget, cell, output.
 *
 * gate = rescale(w x + bias) + rescale(r h + bias) in Q3.12, cut to int16 behind each term
 * cell = forget cell + input tanh(gate of the cell), h = output tanh(cell)
 *
 * w       int8  [4] times blocks of units, then those left over, as ep_tile_block_s16 and ep_tile_single_s16 read
 *               them: rows of inputs
 * r       int8  the same, rows of units
 * bias    int32 [2][4][units], of w and of r, zero points included
 * scales  int32 [2][4][2], multiplier and shift of w and of r
 * x       int8  [steps][inputs]
 * h       int8  [units], the state in front of the first step
 * c       int8  [2][units], the cell there: low and high bytes
 * scratch int16 [inputs] and [units], each rounded up to an even number, and [5][units]
 * y       int8  [steps + 2][units]: the state behind every step, and the cell behind the last; may
 *               be none of the others */
void ep_lstm_s8(const ep_lstm_s8_params *p, const int8_t *w, const int8_t *r, const int32_t *bias,
                const int32_t *scales, const int8_t *x, const int8_t *h, const int8_t *c,
                void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
