/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_REQUANTIZE_S16_S32_H
#define EP_REQUANTIZE_S16_S32_H

#include "ep_requantize_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_requantize_s8_params ep_requantize_s16_s32_params;

/* ep_requantize_s8 from int16 to int32; y may not be x. */
void ep_requantize_s16_s32(const ep_requantize_s16_s32_params *p, const int16_t *x, int32_t *y);

EP_EXTERN_C_END
#endif
