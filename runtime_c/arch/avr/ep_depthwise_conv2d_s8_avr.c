/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d_s8_avr.h"

#define EP_CONV ep_depthwise_conv2d_s8_avr
#define EP_WEIGHT __flash int8_t
#define EP_TAPS_OF ep_taps_flash_avr

#include "ep_depthwise_conv2d_avr.inc"
