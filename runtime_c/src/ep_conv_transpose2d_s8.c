/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv_transpose2d.h"

#define EP_INT int8_t
#define EP_BIAS int32_t
#define EP_FUNCTION ep_conv_transpose2d_s8
#define EP_FINISH_TYPE ep_finish
#define EP_FINISH ep_finish_s8

#include "ep_conv_transpose2d_body.inc"
