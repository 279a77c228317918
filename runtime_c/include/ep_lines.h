/* SPDX-License-Identifier: Apache-2.0 */
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
 * row * stride_h + i * dilation_h - pad_top of the image, or padding. What the row of results before
 * has read too is moved up within the lines, unless there is a dilation: the image is read once, and
 * results may be written over what was read.
 *
 * row   row of results: 0, or the one after that which the lines were filled for last
 * pixel bytes of a pixel in the lines
 * pitch bytes of a pixel in the image
 * pad   byte that the padding is made of
 * x     first pixel of the image
 * lines ep_lines_width() * kernel_h pixels */
void ep_lines_fill(const ep_window *n, int32_t row, int32_t pixel, int32_t pitch, int32_t pad,
                   const void *x, void *lines);

/* Copies bytes to another or a lower place, words at a time where both ends lie at one, or at
 * any address on cores whose loads and stores of words take any. */
void ep_lines_copy(void *to, const void *from, int32_t bytes);

EP_EXTERN_C_END
#endif
