/* int8 convolution of any kernel: columns of input are gathered for a line of output pixels. */
#ifndef EP_CONV2D_S8_ARM_MVE_H
#define EP_CONV2D_S8_ARM_MVE_H

#include "ep_conv_line_arm_mve.h"
#include "ep_window.h"

typedef struct {
    ep_conv_line line;
    ep_window window;
    int32_t x_zero; /* what lies in the padding */
    int32_t block;  /* output pixels that are gathered at once */
    int32_t step;   /* columns from one pixel to the next: stride_w, where neighbours share columns,
                       which takes dilation_w 1; else kernel_w */
} ep_conv2d_s8_arm_mve_params;

/* As ep_conv2d_s8, bit for bit. w and table: see ep_conv_line_arm_mve, in_len [kernel_w][kernel_h][c].
 *
 * x       int8 [in_h][in_w][in_c]
 * columns scratch, int8 [(block - 1) * step + kernel_w][kernel_h][in_c]
 * y       int8 [out_h][out_w][out_c]; may not overlap x */
void ep_conv2d_s8_arm_mve(const ep_conv2d_s8_arm_mve_params *p, const int8_t *w,
                          const int32_t *table, const int8_t *x, void *columns, int8_t *y);

#endif
