/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_F32_ARM_MVE_H
#define EP_CONV2D_F32_ARM_MVE_H

#include "ep_conv2d.h"

/* As ep_conv2d_f32, for Helium with float32, seven pixels times four channels at a time.
 *
 * w     the filters of each group in blocks of four, the last one of what is left: a block's [weight][filter]
 * strip scratch, float [kernel_h][kernel_w][in_c / groups][7] */
void ep_conv2d_f32_arm_mve(const ep_conv2d_f32_params *p, const float *w, const float *bias,
                           const float *x, void *strip, float *y);

#endif
