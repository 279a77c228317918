/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_max_pool2d.h"

#define EP_INT int8_t
#define EP_FUNCTION ep_max_pool2d_s8
#define EP_PARAMS ep_max_pool2d_s8_params

#include "ep_max_pool2d_body.inc"
