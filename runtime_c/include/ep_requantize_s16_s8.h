/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_REQUANTIZE_S16_S8_H
#define EP_REQUANTIZE_S16_S8_H

#include "ep_requantize_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_requantize_s8_params ep_requantize_s16_s8_params;

/* ep_requantize_s8 from int16 to int8; y may be x. */
void ep_requantize_s16_s8(const ep_requantize_s16_s8_params *p, const int16_t *x, int8_t *y);

EP_EXTERN_C_END
#endif
