/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_requantize.h"

#define EP_IN int8_t
#define EP_OUT int8_t
#define EP_FUNCTION ep_requantize_s8
#define EP_PARAMS ep_requantize_s8_params

#include "ep_requantize_body.inc"
