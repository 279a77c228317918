/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_extreme.h"

#define EP_TYPE float
#define EP_FUNCTION ep_extreme_f32
#define EP_PARAMS ep_extreme_f32_params

#include "ep_extreme_body.inc"
