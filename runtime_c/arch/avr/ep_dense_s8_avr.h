/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_S8_AVR_H
#define EP_DENSE_S8_AVR_H

#include "ep_dense.h"

/* ep_dense_s8 with its arrays in flash, where AVR reads them with an instruction of their own. All of
 * them lie in its first 64 KB. in_len is at most 8,191. */
void ep_dense_s8_avr(const ep_dense_s8_params *p, const __flash int8_t *w,
                     const __flash int32_t *bias, const __flash int32_t *mult,
                     const __flash int8_t *shift, const int8_t *x, int8_t *y);

#endif
