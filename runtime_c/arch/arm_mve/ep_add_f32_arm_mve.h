/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_ADD_F32_ARM_MVE_H
#define EP_ADD_F32_ARM_MVE_H

#include "ep_add.h"

/* As ep_add_f32, for Helium with float32. */
void ep_add_f32_arm_mve(const ep_add_f32_params *p, const float *a, const float *b, float *y);

#endif
