/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_requantize.h"

#define EP_IN int16_t
#define EP_OUT int32_t
#define EP_FUNCTION ep_requantize_s16_s32
#define EP_PARAMS ep_requantize_s16_s32_params

#include "ep_requantize_body.inc"
