/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mean.h"

#define EP_INT int16_t
#define EP_FUNCTION ep_mean_s16
#define EP_PARAMS ep_mean_s16_params
#define EP_LOW -32768L
#define EP_HIGH 32767

#include "ep_mean_body.inc"
