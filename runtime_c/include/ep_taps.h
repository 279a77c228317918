/* SPDX-License-Identifier: Apache-2.0 */
/* Inner loops of depthwise convolutions: four channels, tap by tap. */
#ifndef EP_TAPS_H
#define EP_TAPS_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* sums[c] = sum_i x[i * step + c] * w[i][c], sums[EP_BLOCK + c] the same for x1
 *
 * x, x1 int8: the first taps of two positions
 * w     int8  [taps][EP_BLOCK], taps > 0
 * sums  int32 [2][EP_BLOCK] */
void ep_taps_pair_s8(const int8_t *x, const int8_t *x1, int32_t step, const int8_t *w, int32_t taps,
                     int32_t *sums);

/* The same for one position: sums int32 [EP_BLOCK]. */
void ep_taps_block_s8(const int8_t *x, int32_t step, const int8_t *w, int32_t taps, int32_t *sums);

/* sum_i x[i * step] * w[i] */
int32_t ep_taps_single_s8(const int8_t *x, int32_t step, const int8_t *w, int32_t taps);

EP_EXTERN_C_END
#endif
