/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_ADD_S16_H
#define EP_ADD_S16_H

#include "ep_add_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_add_s8_params ep_add_s16_params;

/* ep_add_s8 for int16, with 15 bits in the place of 20. */
void ep_add_s16(const ep_add_s16_params *p, const int16_t *a, const int16_t *b, int16_t *y);

EP_EXTERN_C_END
#endif
