/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_AVERAGE_ROWS_H
#define EP_AVERAGE_ROWS_H

#include "ep_add_rows.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t count;   /* pixels of these rows */
    int32_t inner;   /* channels */
    int32_t first;   /* 1: sums begin with these rows */
    int32_t last;    /* 1: they end with them */
    int32_t total;   /* pixels of all rows */
    int32_t act_min; /* fused clamp, -128 and 127 at most */
    int32_t act_max;
} ep_average_rows_s8_params;

/* Some rows of what ep_avg_pool2d_s8 takes at once, of a window that is the image: scratch[k] +=
 * sum_j x[j][k], and with the last ones y[k] = clamp(scratch[k] / total, halves away from zero).
 *
 * x       int8  [count][inner]
 * scratch int32 [inner], left alone from the first rows to the last
 * y       int8  [inner], same scale and zero point; may not overlap x */
void ep_average_rows_s8(const ep_average_rows_s8_params *p, const int8_t *x, void *scratch,
                        int8_t *y);

EP_EXTERN_C_END
#endif
