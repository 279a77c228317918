/* SPDX-License-Identifier: Apache-2.0 */
/* int8 convolution with a 1x1 kernel of few inputs, no padding and a stride of 1. */
#ifndef EP_CONV2D_1X1_FEW_S8_ARM_MVE_H
#define EP_CONV2D_1X1_FEW_S8_ARM_MVE_H

#include "ep_conv2d_1x1_s8_arm_mve.h"

/* As ep_conv2d_1x1_copied_s8_arm_mve, for up to 16 inputs, whole blocks of channels, and clamps that are
 * saturation (relu).
 *
 * scratch int8 [block][16] */
void ep_conv2d_1x1_few_s8_arm_mve(const ep_conv2d_1x1_copied_s8_arm_mve_params *p, const int8_t *w,
                                  const int32_t *table, const int8_t *x, void *scratch, int8_t *y);

#endif
