/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SOFTMAX_H
#define EP_SOFTMAX_H

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

typedef ep_softmax_s8_params ep_softmax_s8_s16_params;

/* ep_softmax_s8 with a result of int16: y has scale 1/65536 and zero point -32768; it may not be x. */
void ep_softmax_s8_s16(const ep_softmax_s8_s16_params *p, const int8_t *x, void *scratch,
                       int16_t *y);

typedef struct {
    int32_t rows;
    int32_t length; /* elements of a row */
    float beta;     /* factor on the logits */
} ep_softmax_f32_params;

/* y = exp(beta x) / sum exp(beta x), row by row
 *
 * x float [rows][length]
 * y float [rows][length]; may be x */
void ep_softmax_f32(const ep_softmax_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
