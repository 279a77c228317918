/* SPDX-License-Identifier: Apache-2.0 */
/* Inner loops of dense layers and convolutions: rows of inputs times blocks of weights. */
/* Inner loops of dense layers and convolutions for inputs of sixteen bits; no sum leaves int32. Weights of
 * a block lie in twos of inputs, in the order of instructions that multiply two at once: for i = 0, 2, ...
 *
 *     w[i][0] w[i][1] w[i + 1][0] w[i + 1][1]  w[i][2] w[i][3] w[i + 1][2] w[i + 1][3]
 *
 * and, where n is odd, the four of the last input. */
#ifndef EP_TILE_H
#define EP_TILE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* sums[c] = sum_i x[i] * w[i][c], sums[EP_BLOCK + c] = sum_i x1[i] * w[i][c]
 *
 * x, x1 int8  [n]: two positions
 * w     int8  [n][EP_BLOCK]
 * sums  int32 [2][EP_BLOCK] */
void ep_tile_pair_s8(const int8_t *x, const int8_t *x1, const int8_t *w, int32_t n, int32_t *sums);

/* The same for one position: sums int32 [EP_BLOCK]. */
void ep_tile_block_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t *sums);

/* The same for one position and two blocks, one behind the other: sums int32 [2 * EP_BLOCK]. */
void ep_tile_blocks_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t *sums);

/* sum_i x[i] * w[i] */
int32_t ep_tile_single_s8(const int8_t *x, const int8_t *w, int32_t n);

/* sums[c] = sum_i x[i] * w[i][c], sums[EP_BLOCK + c] = sum_i x1[i] * w[i][c]
 *
 * x, x1 int16 [n]: two positions
 * w     int8  [n][EP_BLOCK], in twos
 * sums  int32 [2][EP_BLOCK] */
void ep_tile_pair_s16(const int16_t *x, const int16_t *x1, const int8_t *w, int32_t n,
                      int32_t *sums);

/* The same for one position: sums int32 [EP_BLOCK]. */
void ep_tile_block_s16(const int16_t *x, const int8_t *w, int32_t n, int32_t *sums);

/* sum_i x[i] * w[i], w int8 [n] as they are */
int32_t ep_tile_single_s16(const int16_t *x, const int8_t *w, int32_t n);

EP_EXTERN_C_END
#endif
