/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mul.h"

#define EP_INT int8_t
#define EP_FUNCTION ep_mul_s8
#define EP_PARAMS ep_mul_s8_params

#include "ep_mul_body.inc"
