/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_add.h"

#define EP_FUNCTION ep_add_f32
#define EP_PARAMS ep_add_f32_params
#define EP_OF(a, b) ((a) + (b))

#include "ep_arith_f32_body.inc"
