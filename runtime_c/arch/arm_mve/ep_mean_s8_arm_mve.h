/* SPDX-License-Identifier: Apache-2.0 */
/* int8 means, eight at a time. */
#ifndef EP_MEAN_S8_ARM_MVE_H
#define EP_MEAN_S8_ARM_MVE_H

#include "ep_mean.h"

/* As ep_mean_s8, bit for bit. */
void ep_mean_s8_arm_mve(const ep_mean_s8_params *p, const int8_t *x, int8_t *y);

#endif
