/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mul.h"

#define EP_FUNCTION ep_mul_f32
#define EP_PARAMS ep_mul_f32_params
#define EP_OF(a, b) ((a) * (b))

#include "ep_arith_f32_body.inc"
