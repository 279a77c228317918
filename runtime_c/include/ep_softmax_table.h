/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SOFTMAX_TABLE_H
#define EP_SOFTMAX_TABLE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* Exponentials of all differences of two int8: 1,024 bytes of scratch. */
#define EP_SOFTMAX_ENTRIES 256

typedef struct {
    int32_t rows;
    int32_t length;   /* elements of a row, at most 4,095 */
    int32_t mult;     /* brings a difference of logits to Q5.26 */
    int32_t shift;    /* to the left, [0, 31] */
    int32_t diff_min; /* smaller differences count as exp = 0; at least -255 */
} ep_softmax_table_s8_params;

/* ep_softmax_s8, bit for bit: every exponential is computed once a call and then looked up, which
 * is worth it from some hundred elements on.
 *
 * x       int8  [rows][length]
 * scratch int32 [EP_SOFTMAX_ENTRIES]
 * y       int8  [rows][length]; may be x */
void ep_softmax_table_s8(const ep_softmax_table_s8_params *p, const int8_t *x, void *scratch,
                         int8_t *y);

typedef ep_softmax_table_s8_params ep_softmax_table_s8_s16_params;

/* ep_softmax_table_s8 with a result of int16: y has scale 1/65536 and zero point -32768; it may not
 * be x. */
void ep_softmax_table_s8_s16(const ep_softmax_table_s8_s16_params *p, const int8_t *x,
                             void *scratch, int16_t *y);

EP_EXTERN_C_END
#endif
