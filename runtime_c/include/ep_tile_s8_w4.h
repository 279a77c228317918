/* The inner loops of ep_tile_s8.h for weights of four bits: uint8 [n][EP_BLOCK / 2]. */
#ifndef EP_TILE_S8_W4_H
#define EP_TILE_S8_W4_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

void ep_tile_pair_s8_w4(const int8_t *x, const int8_t *x1, const uint8_t *w, int32_t n,
                        int32_t *sums);
void ep_tile_block_s8_w4(const int8_t *x, const uint8_t *w, int32_t n, int32_t *sums);

EP_EXTERN_C_END
#endif
