/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_extreme.h"

#define EP_TYPE int16_t
#define EP_FUNCTION ep_extreme_s16
#define EP_PARAMS ep_extreme_s16_params

#include "ep_extreme_body.inc"
