/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_STAGED_S8_AVR_H
#define EP_DENSE_STAGED_S8_AVR_H

#include "ep_dense.h"

/* ep_dense_s8_avr with weights in RAM, where they were unpacked to. */
void ep_dense_staged_s8_avr(const ep_dense_s8_params *p, const int8_t *w,
                            const __flash int32_t *bias, const __flash int32_t *mult,
                            const __flash int8_t *shift, const int8_t *x, int8_t *y);

#endif
