#ifndef EP_CONV2D_S8_H
#define EP_CONV2D_S8_H

#include "ep_window.h"

EP_EXTERN_C_BEGIN

typedef struct {
    ep_window window;
    int32_t groups;
    int32_t x_zero;  /* input zero point, what lies in the padding */
    int32_t y_zero;  /* output zero point */
    int32_t act_min; /* fused clamp, [-128, act_max] */
    int32_t act_max;
} ep_conv2d_s8_params;

/* y[p][o] = clamp(rescale(bias[o] + sum_k column(p)[k] * (w[o][k] - 128)) + y_zero)
 *
 * where column(p)[k] is the input below kernel element k at position p, plus 128.
 *
 * w       uint8 [out_c][kernel_h][kernel_w][in_c / groups], weights plus 128, the filters of each
 *         group in blocks (EP_BLOCK)
 * bias    int32 [out_c], zero points folded in: bias - (x_zero + 128) * sum_k weight
 * mult    int32 [out_c], and
 * shift   int8  [out_c]: the rescale of each output channel
 * x       int8  [in_h][in_w][in_c]
 * columns scratch, 2 * kernel_h * kernel_w * in_c / groups bytes
 * y       int8  [out_h][out_w][out_c]; may not overlap x
 *
 * The compiler has checked that no accumulator leaves int32. */
void ep_conv2d_s8(const ep_conv2d_s8_params *p, const uint8_t *w, const int32_t *bias,
                  const int32_t *mult, const int8_t *shift, const int8_t *x, void *columns,
                  int8_t *y);

EP_EXTERN_C_END
#endif
