/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_STAGED_S8_AVR_H
#define EP_CONV2D_STAGED_S8_AVR_H

#include "ep_conv2d.h"

/* ep_conv2d_s8_avr with weights in RAM, where they were unpacked to. */
void ep_conv2d_staged_s8_avr(const ep_conv2d_s8_params *p, const int8_t *w, const __flash int32_t *bias,
                             const __flash int32_t *mult, const __flash int8_t *shift, const int8_t *x,
                             void *scratch, int8_t *y);

#endif
