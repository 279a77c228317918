/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MUL_F32_ARM_MVE_H
#define EP_MUL_F32_ARM_MVE_H

#include "ep_mul.h"

/* As ep_mul_f32, for Helium with float32. */
void ep_mul_f32_arm_mve(const ep_mul_f32_params *p, const float *a, const float *b, float *y);

#endif
