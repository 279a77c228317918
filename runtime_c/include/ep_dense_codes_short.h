/* SPDX-License-Identifier: Apache-2.0 */
/* A dense layer that reads packed codes, and short scales and biases, as it goes. */
#ifndef EP_DENSE_CODES_SHORT_H
#define EP_DENSE_CODES_SHORT_H

#include "ep_rescale.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows; /* as in ep_dense_codes.h */
    int32_t in_len;
    int32_t out_len;
    uint32_t kinds;
    int32_t digits;
    int32_t y_zero;
    int32_t act_min;
    int32_t act_max;
    uint32_t unit; /* as in ep_rescale.h */
    int8_t shift;
    uint8_t up;
} ep_dense_codes_short_s8_params;

/* What ep_dense_codes_s8 computes where bias, mult and shift of each output are short ones.
 *
 * rescale  uint8 [out_len][3], see ep_rescale.h */
void ep_dense_codes_short_s8(const ep_dense_codes_short_s8_params *p, const uint32_t *codes,
                             const int8_t *values, const uint8_t *rescale, const int8_t *x,
                             int8_t *y);

EP_EXTERN_C_END
#endif
