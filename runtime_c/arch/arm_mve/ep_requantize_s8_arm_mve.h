/* SPDX-License-Identifier: Apache-2.0 */
/* int8 of one scale as int8 of another, four at a time. */
#ifndef EP_REQUANTIZE_S8_ARM_MVE_H
#define EP_REQUANTIZE_S8_ARM_MVE_H

#include "ep_requantize.h"

/* As ep_requantize_s8, bit for bit. */
void ep_requantize_s8_arm_mve(const ep_requantize_s8_params *p, const int8_t *x, int8_t *y);

#endif
