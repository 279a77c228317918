/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_EMBEDDING_H
#define EP_EMBEDDING_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t count; /* numbers */
    int32_t rows;  /* of the table */
    int32_t bytes; /* of a row */
} ep_embedding_params;

/* y[i] = table[x[i]], rows of any type
 *
 * A number below 0 is taken as 0, one from rows on as rows - 1: nothing outside is read.
 *
 * table [rows] rows of bytes
 * x     [count]
 * y     [count] rows of bytes; may not overlap x */
void ep_embedding(const ep_embedding_params *p, const void *table, const int32_t *x, void *y);

EP_EXTERN_C_END
#endif
