/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DEQUANTIZE_H
#define EP_DEQUANTIZE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    float scale;
    int32_t zero;
} ep_dequantize_s8_f32_params;

/* y = scale * (x - zero)
 *
 * x int8  [length]
 * y float [length]; may not overlap x */
void ep_dequantize_s8_f32(const ep_dequantize_s8_f32_params *p, const int8_t *x, float *y);

typedef struct {
    int32_t length; /* elements */
    float scale;
    int32_t zero;
} ep_dequantize_s16_f32_params;

/* y = scale * (x - zero)
 *
 * x int16  [length]
 * y float [length]; may not overlap x */
void ep_dequantize_s16_f32(const ep_dequantize_s16_f32_params *p, const int16_t *x, float *y);

EP_EXTERN_C_END
#endif
