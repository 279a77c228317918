/* SPDX-License-Identifier: Apache-2.0 */
/* int8 max pooling, sixteen channels at a time. */
#ifndef EP_MAX_POOL2D_S8_ARM_MVE_H
#define EP_MAX_POOL2D_S8_ARM_MVE_H

#include "ep_max_pool2d.h"

/* As ep_max_pool2d_s8, bit for bit. */
void ep_max_pool2d_s8_arm_mve(const ep_max_pool2d_s8_params *p, const int8_t *x, int8_t *y);

#endif
