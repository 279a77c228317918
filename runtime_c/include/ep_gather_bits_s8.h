/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_GATHER_BITS_S8_H
#define EP_GATHER_BITS_S8_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;
    int32_t in_len; /* elements of a row of x */
} ep_gather_bits_s8_params;

/* y holds the elements of every row of x whose bit is set, in their order: element i's is bit i % 8
 * of kept[i / 8], the lowest bit being bit 0.
 *
 * kept uint8 [(in_len + 7) / 8]; bits behind the row are 0
 * x    int8  [rows][in_len]
 * y    int8  [rows][set bits]; may be x */
void ep_gather_bits_s8(const ep_gather_bits_s8_params *p, const uint8_t *kept, const int8_t *x,
                       int8_t *y);

EP_EXTERN_C_END
#endif
