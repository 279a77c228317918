/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MAX_POOL2D_S8_ARM_DSP_H
#define EP_MAX_POOL2D_S8_ARM_DSP_H

#include "ep_max_pool2d.h"

/* As ep_max_pool2d_s8, four channels at a time. */
void ep_max_pool2d_s8_arm_dsp(const ep_max_pool2d_s8_params *p, const int8_t *x, int8_t *y);

#endif
