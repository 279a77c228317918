/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mul.h"

#define EP_INT int16_t
#define EP_FUNCTION ep_mul_s16
#define EP_PARAMS ep_mul_s16_params

#include "ep_mul_body.inc"
