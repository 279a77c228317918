/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_TABLE_ENDS_H
#define EP_TABLE_ENDS_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
    int32_t low;    /* below it every element has its result, */
    int32_t high;   /* and above it this one's */
} ep_table_ends_s8_params;

/* y[i] = table[limit(x[i], low, high) - low]: functions that end flat, in less than 256 bytes.
 *
 * table int8 [high - low + 1]
 * x     int8 [length]
 * y     int8 [length]; may be x */
void ep_table_ends_s8(const ep_table_ends_s8_params *p, const int8_t *table, const int8_t *x,
                      int8_t *y);

EP_EXTERN_C_END
#endif
