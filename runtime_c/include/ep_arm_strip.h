/* SPDX-License-Identifier: Apache-2.0 */
/* What float32 convolutions multiply with: the inputs of four pixels side by side. */
#ifndef EP_ARM_STRIP_H
#define EP_ARM_STRIP_H

#include "ep_conv2d.h"

EP_EXTERN_C_BEGIN

/* The inputs of the pixels from `at` on, of the group that x begins with; the last pixel stands in
 * for those behind it.
 *
 * strip: with n = kernel_w * in_c / groups, float [kernel_h][n][4], then float [3][4] and [4][n] */
void ep_arm_strip_f32(const ep_conv2d_f32_params *p, const float *x, int32_t at, float *strip);

EP_EXTERN_C_END
#endif
