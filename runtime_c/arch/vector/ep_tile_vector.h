/* SPDX-License-Identifier: Apache-2.0 */
/* Inner loops that compilers make vector instructions of: products of 16 bits in rows. */
#ifndef EP_TILE_VECTOR_H
#define EP_TILE_VECTOR_H

#include "ep_finish.h"

EP_EXTERN_C_BEGIN

/* sums[c] = sum_i x[i] * w[c][i], sums1[c] = sum_i x1[i] * w[c][i]
 *
 * x, x1       int16 [n]: two positions, values of int8
 * w           int8  [EP_BLOCK][n]
 * sums, sums1 int32 [EP_BLOCK] */
void ep_tile_pair_vector(const int16_t *x, const int16_t *x1, const int8_t *w, int32_t n,
                         int32_t *sums, int32_t *sums1);

/* The same for one position and 2 * EP_BLOCK channels: sums int32 [2 * EP_BLOCK]. */
void ep_tile_blocks_vector(const int16_t *x, const int8_t *w, int32_t n, int32_t *sums);

/* sum_i x[i] * w[i] */
int32_t ep_tile_single_vector(const int16_t *x, const int8_t *w, int32_t n);

/* The end of ep_finish_s8 for count channels of one position: shifts in [-31, -1], as they are. */
void ep_finish_vector(const ep_finish *f, int32_t count, const int32_t *sums, int8_t *y);

/* to[i] = from[i] */
void ep_widen_vector(int16_t *to, const int8_t *from, int32_t n);

EP_EXTERN_C_END
#endif
