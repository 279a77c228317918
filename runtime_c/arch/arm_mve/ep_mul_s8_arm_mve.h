/* SPDX-License-Identifier: Apache-2.0 */
/* int8 products, four at a time. */
#ifndef EP_MUL_S8_ARM_MVE_H
#define EP_MUL_S8_ARM_MVE_H

#include "ep_mul.h"

/* As ep_mul_s8, bit for bit. */
void ep_mul_s8_arm_mve(const ep_mul_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y);

#endif
