/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_GATHER_BITS_S16_H
#define EP_GATHER_BITS_S16_H

#include "ep_gather_bits_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_gather_bits_s8_params ep_gather_bits_s16_params;

/* ep_gather_bits_s8 for int16. */
void ep_gather_bits_s16(const ep_gather_bits_s16_params *p, const uint8_t *kept, const int16_t *x,
                        int16_t *y);

EP_EXTERN_C_END
#endif
