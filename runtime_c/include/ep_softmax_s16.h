/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SOFTMAX_S16_H
#define EP_SOFTMAX_S16_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;
    int32_t length; /* elements of a row, at most 65,535 */
    int32_t mult;   /* brings a difference of logits to 10 / 65535 */
    int32_t shift;
} ep_softmax_s16_params;

/* y = exp(x) / sum exp(x), row by row, from tables between whose entries is interpolated; y has
 * scale 1/32768.
 *
 * exps, reciprocals int16 [513]: exp(v) over [-10, 0] and 1 / (1 + v) over [0, 1]
 * x int16 [rows][length], zero point 0
 * y int16 [rows][length]; may be x */
void ep_softmax_s16(const ep_softmax_s16_params *p, const int16_t *exps, const int16_t *reciprocals,
                    const int16_t *x, int16_t *y);

EP_EXTERN_C_END
#endif
