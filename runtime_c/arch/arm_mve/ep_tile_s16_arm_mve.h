/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile.h for Helium, eight inputs an instruction. Weights of a block lie in eights of inputs: for
 * i = 0, 8, ... w[i ... i + 7][0], then those of the channels 1 to 3; what is left of the inputs likewise. */
#ifndef EP_TILE_S16_ARM_MVE_H
#define EP_TILE_S16_ARM_MVE_H

#include "ep_strip.h"

/* sums[c] = sum_i x[i] * w[i][c], sums[EP_BLOCK + c] = sum_i x1[i] * w[i][c]
 *
 * x, x1 int16 [n]: two positions
 * w     int8  [n][EP_BLOCK], in eights
 * sums  int32 [2][EP_BLOCK] */
void ep_tile_pair_s16_arm_mve(const int16_t *x, const int16_t *x1, const int8_t *w, int32_t n,
                              int32_t *sums);

/* The same for one position: sums int32 [EP_BLOCK]. */
void ep_tile_block_s16_arm_mve(const int16_t *x, const int8_t *w, int32_t n, int32_t *sums);

/* Results of s->count channels at two positions, block by block: (bias + sum) * mult >> shift, rounded
 * once, within the limits of the output. shift int8 [count], in [16, 32]
 *
 * x int16 [n], and at x + next those of the second position
 * w int8  [count / EP_BLOCK][n][EP_BLOCK], in eights
 * y int16 [count], and at y + pitch */
void ep_tile_strip_s16_arm_mve(const ep_strip_s8 *s, const ep_output_s8 *output, const int16_t *x,
                               const int8_t *w, int16_t *y);

#endif
