/* SPDX-License-Identifier: Apache-2.0 */
/* int8 products with one high multiply an element. */
#ifndef EP_MUL_S8_ARM_DSP_H
#define EP_MUL_S8_ARM_DSP_H

#include "ep_mul.h"

/* As ep_mul_s8, bit for bit; shift in [-22, -1]. */
void ep_mul_s8_arm_dsp(const ep_mul_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y);

#endif
