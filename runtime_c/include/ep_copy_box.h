/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_COPY_BOX_H
#define EP_COPY_BOX_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

#define EP_BOX_AXES 5

typedef struct {
    int32_t size[EP_BOX_AXES];   /* how many are copied, by axis */
    int32_t x_step[EP_BOX_AXES]; /* bytes from one to the next */
    int32_t y_step[EP_BOX_AXES];
    int32_t x_start; /* byte where the first lies */
    int32_t y_start;
    int32_t bytes;  /* of one element */
    int32_t y_size; /* bytes of the result that get the fill first; 0: none */
    int32_t fill_bytes; /* 1, 2 or 4 */
    uint8_t fill[4]; /* one element */
} ep_copy_box_params;

/* y[y_start + sum i * y_step] = x[x_start + sum i * x_step] for every i below size: transpositions,
 * slices and paddings.
 *
 * x  elements of some bytes
 * y  the same; may not overlap x */
void ep_copy_box(const ep_copy_box_params *p, const void *x, void *y);

EP_EXTERN_C_END
#endif
