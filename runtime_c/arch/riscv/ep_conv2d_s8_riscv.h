/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_S8_RISCV_H
#define EP_CONV2D_S8_RISCV_H

#include "ep_conv2d.h"

EP_EXTERN_C_BEGIN

/* ep_conv2d_s8 of one group without dilation of columns, four positions times two channels at a time.
 *
 * w       int8 [out_c][kernel_w][kernel_h][in_c], each channel's rounded up to fours by zeros; no two
 *         neighbours of an even and an odd number are both -128
 * runs    as ep_quads_riscv has them
 * shift   in [-22, -1]
 * scratch 8 bytes for each of a channel's weights, and, unless direct, kernel_h * ep_lines_width() *
 *         in_c
 * y       may lie over x as there; where direct, as if every pixel were copied before it is written */
void ep_conv2d_s8_riscv(const ep_conv2d_s8_params *p, const int8_t *w, const uint8_t *runs,
                        const int32_t *bias, const int32_t *mult, const int8_t *shift,
                        const int8_t *x, void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
