/* SPDX-License-Identifier: Apache-2.0 */
/* Sliding windows over images (h, w, c). */
#ifndef EP_WINDOW_H
#define EP_WINDOW_H

#include "ep_common.h"

typedef struct {
    int32_t in_h;
    int32_t in_w;
    int32_t in_c;
    int32_t out_h;
    int32_t out_w;
    int32_t out_c;
    int32_t kernel_h;
    int32_t kernel_w;
    int32_t stride_h;
    int32_t stride_w;
    int32_t dilation_h;
    int32_t dilation_w;
    int32_t pad_top;
    int32_t pad_left;
} ep_window;

/* The kernel elements that lie inside the image, for a window whose first element is at origin. */
static inline int32_t ep_first_inside(int32_t origin, int32_t dilation)
{
    return origin < 0 ? (-origin + dilation - 1) / dilation : 0;
}

static inline int32_t ep_end_inside(int32_t origin, int32_t dilation, int32_t size, int32_t kernel)
{
    const int32_t end = (size - origin + dilation - 1) / dilation;
    return end < kernel ? end : kernel;
}

/* Neighbouring windows whose elements lie side by side, as many as channels of one pixel: those of a row
 * with a stride of 1 that lie inside, from the one at column `left` of the image on; else 1. */
static inline int32_t ep_run_of(const ep_window *n, int32_t left, int32_t left_over)
{
    const int32_t inside = n->in_w - n->kernel_w - left + 1;
    const int32_t run = inside < left_over ? inside : left_over;
    return n->stride_w == 1 && left >= 0 && run > 1 ? run : 1;
}

#endif
