/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_avg_pool2d.h"

#define EP_INT int16_t
#define EP_FUNCTION ep_avg_pool2d_s16
#define EP_PARAMS ep_avg_pool2d_s16_params

#include "ep_avg_pool2d_body.inc"
