/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_GATHER_BITS_F32_H
#define EP_GATHER_BITS_F32_H

#include "ep_gather_bits_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_gather_bits_s8_params ep_gather_bits_f32_params;

/* ep_gather_bits_s8 for float. */
void ep_gather_bits_f32(const ep_gather_bits_f32_params *p, const uint8_t *kept, const float *x,
                        float *y);

EP_EXTERN_C_END
#endif
