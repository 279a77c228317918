/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_TABLE_S8_AVR_H
#define EP_TABLE_S8_AVR_H

#include "ep_table.h"

/* ep_table_s8 with its table in the first 64 KB of flash. */
void ep_table_s8_avr(const ep_table_s8_params *p, const __flash int8_t *table, const int8_t *x,
                     int8_t *y);

#endif
