/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_CONV2D_F32_ARM_MVE_H
#define EP_CONV2D_F32_ARM_MVE_H

#include "ep_conv2d_f32.h"

/* As ep_conv2d_f32, for Helium with float32, four pixels times six channels at a time.
 *
 * w     the filters of each group in blocks of six, then of four, then one by one: as many sixes as
 *       leave no two or three others, which make two fours with one six (ep_sixes_f32)
 * strip scratch, of ep_arm_strip_f32.h */
void ep_conv2d_f32_arm_mve(const ep_conv2d_f32_params *p, const float *w, const float *bias,
                           const float *x, void *strip, float *y);

/* Blocks of six among so many filters. */
static inline int32_t ep_sixes_f32(int32_t filters)
{
    const int32_t left = filters % 6;
    return filters / 6 - (filters >= 6 && (left == 2 || left == 3) ? 1 : 0);
}

#endif
