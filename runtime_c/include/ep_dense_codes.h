/* SPDX-License-Identifier: Apache-2.0 */
/* A dense layer that reads its weights from packed codes as it goes: no scratch, little code. */
#ifndef EP_DENSE_CODES_H
#define EP_DENSE_CODES_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;    /* vectors, one after the other */
    int32_t in_len;  /* elements of an input vector */
    int32_t out_len; /* elements of an output vector */
    uint32_t kinds;  /* values that a code can tell apart, [2, 16] */
    int32_t digits;  /* codes in a word: kinds^digits <= 2^32 */
    int32_t y_zero;  /* output zero point, [-128, 127] */
    int32_t act_min; /* fused clamp, [-128, act_max] */
    int32_t act_max;
} ep_dense_codes_s8_params;

/* y[o] = clamp(rescale_once(bias[o] + sum_i x[i] * values[code o, i]) + y_zero)
 *
 * The codes of all weights, [out_len][in_len], follow one another, so many a word: the first digits
 * to base kinds of the word as a fraction of 2^32.
 *
 * codes  uint32
 * values int8  [kinds], symmetric
 * bias   int32 [out_len], with the input's zero point folded in: bias - zero * sum_i w
 * mult   int32 [out_len], and
 * shift  int8  [out_len]: the rescale of each output
 * x      int8  [rows][in_len]
 * y      int8  [rows][out_len]; may not overlap x
 *
 * The compiler has checked that no accumulator leaves int32. */
void ep_dense_codes_s8(const ep_dense_codes_s8_params *p, const uint32_t *codes,
                       const int8_t *values, const int32_t *bias, const int32_t *mult,
                       const int8_t *shift, const int8_t *x, int8_t *y);

EP_EXTERN_C_END
#endif
