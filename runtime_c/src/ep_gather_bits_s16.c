/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_gather_bits.h"

#define EP_ELEMENT int16_t
#define EP_FUNCTION ep_gather_bits_s16
#define EP_PARAMS ep_gather_bits_s16_params

#include "ep_gather_bits_body.inc"
