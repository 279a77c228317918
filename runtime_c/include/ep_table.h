/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_TABLE_H
#define EP_TABLE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements, > 0 */
} ep_table_s8_params;

/* y[i] = table[x[i] + 128]: every function of one 8-bit element.
 *
 * table int8 [256]
 * x     int8 [length]
 * y     int8 [length]; may be x */
void ep_table_s8(const ep_table_s8_params *p, const int8_t *table, const int8_t *x, int8_t *y);

EP_EXTERN_C_END
#endif
