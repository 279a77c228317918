/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mean.h"

#define EP_INT int8_t
#define EP_FUNCTION ep_mean_s8
#define EP_PARAMS ep_mean_s8_params
#define EP_LOW -128
#define EP_HIGH 127

#include "ep_mean_body.inc"
