/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SOFTMAX_S8_H
#define EP_SOFTMAX_S8_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;
    int32_t length;   /* elements of a row, at most 4,095 */
    int32_t mult;     /* brings a difference of logits to Q5.26 */
    int32_t shift;    /* to the left, [0, 31] */
    int32_t diff_min; /* smaller differences count as exp = 0 */
    int32_t keep;     /* 1: scratch holds the exponentials of a row, 0: they are computed twice */
} ep_softmax_s8_params;

/* y = exp(x) / sum exp(x), row by row, in fixed point; y has scale 1/256 and zero point -128.
 *
 * x       int8  [rows][length]
 * scratch int32 [length], or not used
 * y       int8  [rows][length]; may be x */
void ep_softmax_s8(const ep_softmax_s8_params *p, const int8_t *x, void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
