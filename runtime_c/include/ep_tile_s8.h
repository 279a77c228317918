/* SPDX-License-Identifier: Apache-2.0 */
/* Inner loops of dense layers and convolutions: rows of inputs times blocks of weights. */
#ifndef EP_TILE_S8_H
#define EP_TILE_S8_H

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

EP_EXTERN_C_END
#endif
