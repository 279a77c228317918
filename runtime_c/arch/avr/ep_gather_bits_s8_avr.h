/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_GATHER_BITS_S8_AVR_H
#define EP_GATHER_BITS_S8_AVR_H

#include "ep_gather_bits.h"

/* ep_gather_bits_s8 with its bitmap in the first 64 KB of flash. */
void ep_gather_bits_s8_avr(const ep_gather_bits_s8_params *p, const __flash uint8_t *kept,
                           const int8_t *x, int8_t *y);

#endif
