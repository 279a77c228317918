/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_H
#define EP_CONV2D_H

#include "ep_finish.h"
#include "ep_window.h"

EP_EXTERN_C_BEGIN

#define EP_COPIED 2 /* pixels are copied to scratch, two at a time, before results are written */

typedef struct {
    ep_window window;
    int16_t groups;
    int16_t direct; /* not 0: windows of one pixel, read in the image itself, or EP_COPIED */
    int32_t pitch;  /* elements from one pixel of the output to the next, out_c or more */
    int32_t x_zero; /* input zero point, what lies in the padding */
    ep_output_s8 output;
} ep_conv2d_s8_params;

/* y[p][o] = limit(rescale(bias[o] + sum_k x(p)[k] * w[o][k]) + zero)
 *
 * w       int8  [out_c][kernel_w][kernel_h][in_c / groups], symmetric, the filters of each group in
 *         blocks (EP_BLOCK)
 * bias    int32 [out_c], with the input's zero point folded in: bias - x_zero * sum_k w
 * mult    int32 [out_c], and
 * shift   int8  [out_c]: the rescale of each output channel
 * x       int8  [in_h][in_w][in_c]
 * scratch kernel_h * ep_lines_width() * in_c / groups bytes; if EP_COPIED 2 * in_c / groups
 * y       int8  [out_h][out_w][out_c], pixels pitch apart; may lie over x where the order in which rows, or pairs of
 *         pixels, are read allows it; where direct is 1 both of a pair are read until their results are written
 *
 * The compiler has checked that no accumulator leaves int32. */
void ep_conv2d_s8(const ep_conv2d_s8_params *p, const int8_t *w, const int32_t *bias,
                  const int32_t *mult, const int8_t *shift, const int8_t *x, void *scratch,
                  int8_t *y);

typedef ep_conv2d_s8_params ep_conv2d_s16_params;

/* ep_conv2d_s8 for int16 inputs and outputs of zero point 0, with int8 weights, a bias of 64 bits
 * and the end of ep_finish.h.
 *
 * scratch kernel_h * ep_lines_width() * in_c elements of int16, see ep_conv2d.h */
void ep_conv2d_s16(const ep_conv2d_s8_params *p, const int8_t *w, const int64_t *bias,
                   const int32_t *mult, const int8_t *shift, const int16_t *x, void *scratch,
                   int16_t *y);

typedef struct {
    ep_window window;
    int32_t groups;
    float act_min; /* fused clamp */
    float act_max;
} ep_conv2d_f32_params;

/* y[p][o] = clamp(bias[o] + sum_k column(p)[k] * w[o][k])
 *
 * where column(p)[k] is the input below kernel element k at position p, 0 outside the image.
 *
 * w       float [out_c][kernel_h][kernel_w][in_c / groups], the filters of each group in blocks
 * bias    float [out_c]
 * x       float [in_h][in_w][in_c]
 * columns scratch, 2 * kernel_h * kernel_w * in_c / groups floats
 * y       float [out_h][out_w][out_c]; may lie over x where no pixel is read after it was
 *         written, as with windows of one pixel */
void ep_conv2d_f32(const ep_conv2d_f32_params *p, const float *w, const float *bias, const float *x,
                   void *columns, float *y);

EP_EXTERN_C_END
#endif
