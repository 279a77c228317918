/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_resize_bilinear.h"

#define EP_INT int8_t
#define EP_SUM int32_t
#define EP_LOW -128
#define EP_HIGH 127
#define EP_FUNCTION ep_resize_bilinear_s8

#include "ep_resize_bilinear_body.inc"
