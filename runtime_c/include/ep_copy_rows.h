/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_COPY_ROWS_H
#define EP_COPY_ROWS_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* Copies rows of some bytes into a wider image: one operand of a concatenation.
 *
 * x  [rows][bytes]
 * y  [rows][pitch]; may not overlap x */
void ep_copy_rows(int32_t rows, size_t bytes, size_t pitch, const void *x, void *y);

EP_EXTERN_C_END
#endif
