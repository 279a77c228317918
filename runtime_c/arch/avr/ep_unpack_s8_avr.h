/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_UNPACK_S8_AVR_H
#define EP_UNPACK_S8_AVR_H

#include "ep_unpack.h"

/* Those of ep_unpack.h from values instead of pairs of them, one at a time; both are in flash, where
 * AVR reads them with an instruction of their own. */
void ep_unpack4_s8_avr(const __flash uint32_t *codes, int32_t n, const __flash int8_t *values,
                       int8_t *to);
void ep_unpack3_s8_avr(const __flash uint8_t *codes, int32_t n, const __flash int8_t *values,
                       int8_t *to);
void ep_unpack2_s8_avr(const __flash uint32_t *codes, int32_t n, const __flash int8_t *values,
                       int8_t *to);
void ep_unpack_ternary_s8_avr(const __flash uint8_t *codes, int32_t n,
                              const __flash int8_t *values, int8_t *to);

#endif
