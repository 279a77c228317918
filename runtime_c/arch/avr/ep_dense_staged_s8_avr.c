/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_staged_s8_avr.h"

#define EP_DENSE ep_dense_staged_s8_avr
#define EP_WEIGHT int8_t
#define EP_BLOCK_OF ep_block_avr

#include "ep_dense_avr.inc"
