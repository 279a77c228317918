/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_div.h"

#define EP_FUNCTION ep_div_f32
#define EP_PARAMS ep_div_f32_params
#define EP_OF(a, b) (p->swap != 0 ? (b) / (a) : (a) / (b))

#include "ep_arith_f32_body.inc"
