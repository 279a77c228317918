/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_softmax_table.h"

#define EP_OUT int16_t
#define EP_BITS 16
#define EP_FUNCTION ep_softmax_table_s8_s16
#define EP_PARAMS ep_softmax_table_s8_s16_params

#include "ep_softmax_table_body.inc"
