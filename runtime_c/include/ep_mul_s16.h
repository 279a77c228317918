/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MUL_S16_H
#define EP_MUL_S16_H

#include "ep_mul_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_mul_s8_params ep_mul_s16_params;

/* ep_mul_s8 for int16. */
void ep_mul_s16(const ep_mul_s16_params *p, const int16_t *a, const int16_t *b, int16_t *y);

EP_EXTERN_C_END
#endif
