/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_GATHER_H
#define EP_GATHER_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;
    int32_t in_bytes; /* of a row of x */
    int32_t count;    /* elements of a row of y */
    int32_t bytes;    /* of one element */
} ep_gather_params;

/* y[r][i] = x[r][index[i]]
 *
 * index uint16 [count]
 * x     [rows] rows of in_bytes
 * y     [rows][count]; may not overlap x */
void ep_gather(const ep_gather_params *p, const uint16_t *index, const void *x, void *y);

EP_EXTERN_C_END
#endif
