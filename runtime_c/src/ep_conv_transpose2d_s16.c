/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv_transpose2d.h"

#define EP_INT int16_t
#define EP_BIAS int64_t
#define EP_FUNCTION ep_conv_transpose2d_s16
#define EP_FINISH_TYPE ep_finish_wide
#define EP_FINISH ep_finish_s16

#include "ep_conv_transpose2d_body.inc"
