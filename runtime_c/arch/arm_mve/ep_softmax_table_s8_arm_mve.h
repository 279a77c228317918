/* SPDX-License-Identifier: Apache-2.0 */
/* int8 softmax from a table of exponentials, four elements at a time. */
#ifndef EP_SOFTMAX_TABLE_S8_ARM_MVE_H
#define EP_SOFTMAX_TABLE_S8_ARM_MVE_H

#include "ep_softmax_table.h"

/* As ep_softmax_table_s8, bit for bit. */
void ep_softmax_table_s8_arm_mve(const ep_softmax_table_s8_params *p, const int8_t *x,
                                 void *scratch, int8_t *y);

#endif
