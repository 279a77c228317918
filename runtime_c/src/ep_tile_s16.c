/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_tile_s16.h"

#define EP_INPUT int16_t
#define EP_TILE_PAIR ep_tile_pair_s16
#define EP_TILE_BLOCK ep_tile_block_s16
#define EP_TILE_SINGLE ep_tile_single_s16

#include "ep_tile_body.inc"
