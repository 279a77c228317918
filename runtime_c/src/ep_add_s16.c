/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_add.h"

#define EP_INT int16_t
#define EP_FUNCTION ep_add_s16
#define EP_PARAMS ep_add_s16_params
#define EP_LEFT 15

#include "ep_add_body.inc"
