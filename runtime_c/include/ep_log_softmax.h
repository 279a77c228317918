/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_LOG_SOFTMAX_H
#define EP_LOG_SOFTMAX_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;
    int32_t length;    /* elements of a row, at most 4,095 */
    int32_t mult;      /* brings a difference of logits to Q5.26 */
    int32_t shift;     /* to the left */
    int32_t diff_min;  /* smaller differences count as exp = 0 */
    int32_t back_mult; /* and the way back to logits */
    int32_t back_shift;
} ep_log_softmax_s8_params;

/* y = x - log sum exp(x), row by row, in fixed point; y has scale 1/16 and zero point 127.
 *
 * x int8 [rows][length]
 * y int8 [rows][length]; may be x */
void ep_log_softmax_s8(const ep_log_softmax_s8_params *p, const int8_t *x, int8_t *y);

typedef struct {
    int32_t rows;
    int32_t length; /* elements of a row */
} ep_log_softmax_f32_params;

/* y = x - log sum exp(x), row by row
 *
 * x float [rows][length]
 * y float [rows][length]; may be x */
void ep_log_softmax_f32(const ep_log_softmax_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
