/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_REQUANTIZE_S16_H
#define EP_REQUANTIZE_S16_H

#include "ep_requantize_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_requantize_s8_params ep_requantize_s16_params;

/* ep_requantize_s8 for int16. */
void ep_requantize_s16(const ep_requantize_s16_params *p, const int16_t *x, int16_t *y);

EP_EXTERN_C_END
#endif
