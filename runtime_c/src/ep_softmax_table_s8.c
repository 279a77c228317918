/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_softmax_table.h"

#define EP_OUT int8_t
#define EP_BITS 8
#define EP_FUNCTION ep_softmax_table_s8
#define EP_PARAMS ep_softmax_table_s8_params

#include "ep_softmax_table_body.inc"
