/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_REQUANTIZE_H
#define EP_REQUANTIZE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    int32_t x_zero;
    int32_t mult;
    int32_t shift;
    int32_t y_zero;
    int32_t act_min; /* the element type's ends at most */
    int32_t act_max;
} ep_requantize_s8_params;

/* y = clamp(rescale(x - x_zero) + y_zero): another scale, or a clamp.
 *
 * x int8 [length]
 * y int8 [length]; may be x */
void ep_requantize_s8(const ep_requantize_s8_params *p, const int8_t *x, int8_t *y);

typedef ep_requantize_s8_params ep_requantize_s16_s8_params;

/* ep_requantize_s8 from int16 to int8; y may be x. */
void ep_requantize_s16_s8(const ep_requantize_s16_s8_params *p, const int16_t *x, int8_t *y);

typedef ep_requantize_s8_params ep_requantize_s16_params;

/* ep_requantize_s8 for int16. */
void ep_requantize_s16(const ep_requantize_s16_params *p, const int16_t *x, int16_t *y);

typedef ep_requantize_s8_params ep_requantize_s16_s32_params;

/* ep_requantize_s8 from int16 to int32; y may not be x. */
void ep_requantize_s16_s32(const ep_requantize_s16_s32_params *p, const int16_t *x, int32_t *y);

EP_EXTERN_C_END
#endif
