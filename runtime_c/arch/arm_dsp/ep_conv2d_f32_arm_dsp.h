/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_F32_ARM_DSP_H
#define EP_CONV2D_F32_ARM_DSP_H

#include "ep_conv2d.h"

/* As ep_conv2d_f32, for cores with an FPU, four pixels times four channels at a time.
 *
 * strip scratch, of ep_arm_strip.h */
void ep_conv2d_f32_arm_dsp(const ep_conv2d_f32_params *p, const float *w, const float *bias,
                           const float *x, void *strip, float *y);

#endif
