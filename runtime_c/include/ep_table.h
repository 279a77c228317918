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

typedef struct {
    int32_t length; /* elements, > 0 */
} ep_table_s16_params;

/* Every function of one 16-bit element, straight between table[k] and table[k + 1], which are its
 * values at 128 (k - 256) and 128 (k - 255):
 *     y[i] = table[k] + floor(((table[k + 1] - table[k]) * (x[i] & 127) + 64) / 128), k = 256 + floor(x[i] / 128)
 *
 * table int16 [513]
 * x     int16 [length]
 * y     int16 [length]; may be x */
void ep_table_s16(const ep_table_s16_params *p, const int16_t *table, const int16_t *x, int16_t *y);

EP_EXTERN_C_END
#endif
