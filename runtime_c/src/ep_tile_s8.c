/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_tile.h"

#define EP_INPUT int8_t
#define EP_TILE_PAIR ep_tile_pair_s8
#define EP_TILE_BLOCK ep_tile_block_s8
#define EP_TILE_SINGLE ep_tile_single_s8

#include "ep_tile_body.inc"

EP_WEAK void ep_tile_blocks_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t *sums)
{
    ep_tile_block_s8(x, w, n, sums);
    ep_tile_block_s8(x, w + EP_BLOCK * n, n, sums + EP_BLOCK);
}
