/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SIGMOID_H
#define EP_SIGMOID_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    int32_t mult;   /* brings an element to 1 / (3 * 4096): (x * mult + half) >> shift */
    int32_t shift;  /* [0, 31] */
    int32_t twice;  /* 0: sigmoid(x); 1: tanh(x) = 2 sigmoid(2 x) - 1 */
} ep_sigmoid_s16_params;

/* y = 1 / (1 + exp(-x)), or the hyperbolic tangent, from a table of the sigmoid between whose
 * entries is interpolated; y has scale 1/32768.
 *
 * table uint16 [256]: sigmoid(i / 24) in 1/65536
 * x     int16 [length], zero point 0
 * y     int16 [length]; may be x */
void ep_sigmoid_s16(const ep_sigmoid_s16_params *p, const uint16_t *table, const int16_t *x,
                    int16_t *y);

EP_EXTERN_C_END
#endif
