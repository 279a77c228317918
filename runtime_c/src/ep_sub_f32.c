/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_sub.h"

#define EP_FUNCTION ep_sub_f32
#define EP_PARAMS ep_sub_f32_params
#define EP_OF(a, b) (p->swap != 0 ? (b) - (a) : (a) - (b))

#include "ep_arith_f32_body.inc"
