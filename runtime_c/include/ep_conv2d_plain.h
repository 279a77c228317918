/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution, depthwise or not, by plain loops: no scratch, little code, and slow. */
#ifndef EP_CONV2D_PLAIN_H
#define EP_CONV2D_PLAIN_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    uint16_t in_h;
    uint16_t in_w;
    uint16_t in_c;
    uint16_t out_h;
    uint16_t out_w;
    uint16_t out_c;
    uint16_t depth;   /* channels of the input that a filter reads */
    uint16_t filters; /* that read the same ones, out_c or a part of it; the next ones read those behind these */
    uint16_t gap;     /* elements between the results of two pixels */
    uint16_t kernel_h;
    uint16_t kernel_w;
    uint16_t stride_h;
    uint16_t stride_w;
    uint16_t dilation_h;
    uint16_t dilation_w;
    uint16_t pad_top;
    uint16_t pad_left;
    int16_t x_zero; /* input zero point, what lies in the padding */
    int16_t y_zero; /* output zero point, [-128, 127] */
    int16_t low;    /* fused clamp, [-128, high] */
    int16_t high;
} ep_conv2d_plain_s8_params;

/* y[p][o] = limit(rescale(bias[o] + sum_k x(p)[k] * w[o][k]) + y_zero)
 *
 * A depthwise convolution has a depth of 1, and as filters its channel multiplier.
 *
 * w       int8  [out_c][kernel_h][kernel_w][depth], symmetric
 * bias    int32 [out_c], with the input's zero point folded in: bias - x_zero * sum_k w
 * mult    int32 [out_c], and
 * shift   int8  [out_c], [-31, -1]: the rescale of each output channel, see ep_rescale()
 * x       int8  [in_h][in_w][in_c]
 * y       int8  [out_h][out_w][out_c], pixels out_c + gap apart; may lie over x where all results that read a pixel are
 *         before the one that is written over it, which none of its own pixel is
 *
 * The compiler has checked that no accumulator leaves int32. */
void ep_conv2d_plain_s8(const ep_conv2d_plain_s8_params *p, const int8_t *w, const int32_t *bias,
                        const int32_t *mult, const int8_t *shift, const int8_t *x, int8_t *y);

EP_EXTERN_C_END
#endif
