/* SPDX-License-Identifier: Apache-2.0 */
/* int16 convolution with int8 weights on Helium. */
#ifndef EP_CONV2D_S16_ARM_MVE_H
#define EP_CONV2D_S16_ARM_MVE_H

#include "ep_conv2d.h"

/* As ep_conv2d_s16, bit for bit, where no accumulator leaves int32, the bias in it, and shifts are in [16, 32].
 *
 * w  blocks of channels in eights of inputs (ep_tile_s16_arm_mve.h) */
void ep_conv2d_s16_arm_mve(const ep_conv2d_s16_params *p, const int8_t *w, const int32_t *bias,
                           const int32_t *mult, const int8_t *shift, const int16_t *x, void *scratch,
                           int16_t *y);

#endif
