/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MEAN_S8_ARM_DSP_H
#define EP_MEAN_S8_ARM_DSP_H

#include "ep_mean.h"

/* As ep_mean_s8, four channels at a time. */
void ep_mean_s8_arm_dsp(const ep_mean_s8_params *p, const int8_t *x, int8_t *y);

#endif
