/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_ADD_ROWS_H
#define EP_ADD_ROWS_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* sums[k] += sum_j x[j][k], or = where fresh is not 0
 *
 * x    int8  [count][inner]
 * sums int32 [inner] */
void ep_add_rows_s8(const int8_t *x, int32_t count, int32_t inner, int32_t fresh, int32_t *sums);

EP_EXTERN_C_END
#endif
