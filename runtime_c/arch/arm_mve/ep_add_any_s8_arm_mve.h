/* SPDX-License-Identifier: Apache-2.0 */
/* int8 sums and differences of operands that may be repeated, four at a time. */
#ifndef EP_ADD_ANY_S8_ARM_MVE_H
#define EP_ADD_ANY_S8_ARM_MVE_H

#include "ep_add.h"

/* As ep_add_s8, bit for bit. */
void ep_add_any_s8_arm_mve(const ep_add_s8_params *p, const int8_t *a, const int8_t *b, int8_t *y);

#endif
