/* SPDX-License-Identifier: Apache-2.0 */
/* int8 functions of one element, sixteen at a time. */
#ifndef EP_TABLE_S8_ARM_MVE_H
#define EP_TABLE_S8_ARM_MVE_H

#include "ep_table.h"

/* As ep_table_s8, bit for bit. */
void ep_table_s8_arm_mve(const ep_table_s8_params *p, const int8_t *table, const int8_t *x,
                         int8_t *y);

#endif
