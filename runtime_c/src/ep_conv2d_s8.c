/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d.h"

#include "ep_lines.h"
#include "ep_tile.h"
#include "ep_tile_strip.h"

#define EP_INPUT int8_t
#define EP_OUTPUT int8_t
#define EP_BIAS int32_t
#define EP_CONV ep_conv2d_s8
#define EP_PARAMS ep_conv2d_s8_params
#define EP_TILE_PAIR ep_tile_pair_s8
#define EP_TILE_BLOCK ep_tile_block_s8
#define EP_TILE_SINGLE ep_tile_single_s8
#define EP_FINISH_TYPE ep_finish
#define EP_FINISH ep_finish_s8
#if EP_STRIPS
#define EP_STRIP ep_tile_strip_s8
#endif

#include "ep_conv2d_body.inc"
