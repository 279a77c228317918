/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of ep_tile_s8.h for inputs of sixteen bits; no sum leaves int32. */
#ifndef EP_TILE_S16_H
#define EP_TILE_S16_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

void ep_tile_pair_s16(const int16_t *x, const int16_t *x1, const int8_t *w, int32_t n,
                      int32_t *sums);
void ep_tile_block_s16(const int16_t *x, const int8_t *w, int32_t n, int32_t *sums);
int32_t ep_tile_single_s16(const int16_t *x, const int8_t *w, int32_t n);

EP_EXTERN_C_END
#endif
