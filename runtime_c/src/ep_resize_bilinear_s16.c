/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_resize_bilinear.h"

#define EP_INT int16_t
#define EP_SUM int64_t
#define EP_LOW -32768L
#define EP_HIGH 32767
#define EP_FUNCTION ep_resize_bilinear_s16

#include "ep_resize_bilinear_body.inc"
