/* SPDX-License-Identifier: Apache-2.0 */
/* float32 inner loops for Helium: four pixels a vector times six, four or one channels. */
#ifndef EP_TILE_F32_ARM_MVE_H
#define EP_TILE_F32_ARM_MVE_H

#include "ep_common.h"

/* Adds to sums[c][i] the products of pixel i with the weights of channel c.
 *
 * x    float [n][4], n > 0
 * w    float [n][6]
 * sums float [6][4] */
void ep_tile_six_f32_arm_mve(const float *x, const float *w, int32_t n, float *sums);

/* The same for four channels, and for one. */
void ep_tile_four_f32_arm_mve(const float *x, const float *w, int32_t n, float *sums);
void ep_tile_one_f32_arm_mve(const float *x, const float *w, int32_t n, float *sums);

#endif
