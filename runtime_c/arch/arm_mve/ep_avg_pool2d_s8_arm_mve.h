/* SPDX-License-Identifier: Apache-2.0 */
/* int8 average pooling, eight channels at a time. */
#ifndef EP_AVG_POOL2D_S8_ARM_MVE_H
#define EP_AVG_POOL2D_S8_ARM_MVE_H

#include "ep_avg_pool2d.h"

/* As ep_avg_pool2d_s8, bit for bit. */
void ep_avg_pool2d_s8_arm_mve(const ep_avg_pool2d_s8_params *p, const int8_t *x, int8_t *y);

#endif
