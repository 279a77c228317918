/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_S8_AVR_H
#define EP_CONV2D_S8_AVR_H

#include "ep_conv2d.h"

/* ep_conv2d_s8 with its arrays in flash, where AVR reads them with an instruction of their own. All of
 * them lie in its first 64 KB. A piece of a window has at most 8,191 elements. */
void ep_conv2d_s8_avr(const ep_conv2d_s8_params *p, const __flash int8_t *w, const __flash int32_t *bias,
                      const __flash int32_t *mult, const __flash int8_t *shift, const int8_t *x,
                      void *scratch, int8_t *y);

#endif
