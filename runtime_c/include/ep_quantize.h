/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_QUANTIZE_H
#define EP_QUANTIZE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    float scale;
    int32_t zero;
} ep_quantize_f32_s8_params;

/* y = saturate(round(x / scale) + zero), halves away from zero; not a number becomes -128.
 *
 * x float [length]
 * y int8  [length]; may not overlap x */
void ep_quantize_f32_s8(const ep_quantize_f32_s8_params *p, const float *x, int8_t *y);

typedef struct {
    int32_t length; /* elements */
    float scale;
    int32_t zero;
} ep_quantize_f32_s16_params;

/* y = saturate(round(x / scale) + zero), halves away from zero; not a number becomes -32768.
 *
 * x float [length]
 * y int16  [length]; may not overlap x */
void ep_quantize_f32_s16(const ep_quantize_f32_s16_params *p, const float *x, int16_t *y);

EP_EXTERN_C_END
#endif
