/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d.h"

#include "ep_finish.h"
#include "ep_lines.h"
#include "ep_tile.h"

#define EP_INPUT int16_t
#define EP_OUTPUT int16_t
#define EP_BIAS int64_t
#define EP_CONV ep_conv2d_s16
#define EP_PARAMS ep_conv2d_s8_params
#define EP_TILE_PAIR ep_tile_pair_s16
#define EP_TILE_BLOCK ep_tile_block_s16
#define EP_TILE_SINGLE ep_tile_single_s16
#define EP_FINISH_TYPE ep_finish_wide
#define EP_FINISH ep_finish_s16

#include "ep_conv2d_body.inc"
