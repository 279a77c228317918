/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_add.h"

#define EP_INT int8_t
#define EP_FUNCTION ep_add_s8
#define EP_PARAMS ep_add_s8_params
#define EP_LEFT 20

#include "ep_add_body.inc"
