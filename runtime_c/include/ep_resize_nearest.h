/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_RESIZE_NEAREST_H
#define EP_RESIZE_NEAREST_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t in_row; /* bytes of a row of the input */
    int32_t first; /* row of the tables that the first row of y has */
    int32_t above; /* rows of the tables in front of the first row of x */
    int32_t out_h;
    int32_t out_w;
    int32_t pixel; /* bytes of a pixel */
} ep_resize_nearest_params;

/* y[i][j] = x[index[out_w + first + i] - above][index[j]]
 *
 * index uint16 [out_w + rows]: the column, and the row, that each one of the result copies
 * x     pixels [in_h][in_w]
 * y     pixels [out_h][out_w]; may not overlap x */
void ep_resize_nearest(const ep_resize_nearest_params *p, const uint16_t *index, const void *x,
                       void *y);

EP_EXTERN_C_END
#endif
