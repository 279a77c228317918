/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_F32_ARM_DSP_H
#define EP_DENSE_F32_ARM_DSP_H

#include "ep_dense.h"

/* As ep_dense_f32, for cores with an FPU. */
void ep_dense_f32_arm_dsp(const ep_dense_f32_params *p, const float *w, const float *bias,
                          const float *x, float *y);

#endif
