/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MEAN_ROWS_H
#define EP_MEAN_ROWS_H

#include "ep_add_rows.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t count; /* elements of a mean among these rows */
    int32_t inner;
    int32_t first;  /* 1: sums begin with these rows */
    int32_t last;   /* 1: they end with them */
    int32_t offset; /* zero point of x times all elements of a mean */
    int32_t mult;
    int32_t shift;
    int32_t y_zero;
} ep_mean_rows_s8_params;

/* Some rows of what ep_mean_s8 takes at once: scratch[k] += sum_j x[j][k], and with the last ones
 * y[k] = saturate(rescale(scratch[k] - offset) + y_zero).
 *
 * x       int8  [count][inner]
 * scratch int32 [inner], left alone from the first rows to the last
 * y       int8  [inner]; may not overlap x */
void ep_mean_rows_s8(const ep_mean_rows_s8_params *p, const int8_t *x, void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
