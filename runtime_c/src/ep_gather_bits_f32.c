/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_gather_bits.h"

#define EP_ELEMENT float
#define EP_FUNCTION ep_gather_bits_f32
#define EP_PARAMS ep_gather_bits_f32_params

#include "ep_gather_bits_body.inc"
