/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DEPTHWISE_CONV2D_F32_ARM_DSP_H
#define EP_DEPTHWISE_CONV2D_F32_ARM_DSP_H

#include "ep_depthwise_conv2d.h"

/* As ep_depthwise_conv2d_f32, four channels at a time, with a multiplier of 1. */
void ep_depthwise_conv2d_f32_arm_dsp(const ep_depthwise_conv2d_f32_params *p, const float *w,
                                     const float *bias, const float *x, float *y);

#endif
