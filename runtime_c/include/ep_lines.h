/* The part of an image that one row of results reads, laid out so that windows lie in one piece. */
#ifndef EP_LINES_H
#define EP_LINES_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

/* Columns of the image, its padding included, that a row of windows spans. */
static inline int32_t ep_lines_width(const ep_window *n)
{
    return (n->out_w - 1) * n->stride_w + (n->kernel_w - 1) * n->dilation_w + 1;
}

/* Writes [column][kernel row] pixels: column c, row i is the pixel at column c - pad_left and row
 * row * stride_h + i * dilation_h - pad_top of the image, or padding.
 *
 * row   row of results
 * pixel bytes of a pixel in the lines
 * pitch bytes of a pixel in the image
 * pad   byte that the padding is made of
 * x     first pixel of the image
 * lines ep_lines_width() * kernel_h pixels */
void ep_lines_fill(const ep_window *n, int32_t row, int32_t pixel, int32_t pitch, int32_t pad,
                   const void *x, void *lines);

EP_EXTERN_C_END
#endif
