/* SPDX-License-Identifier: Apache-2.0 */
/* ep_conv2d_1x1_few_s8_arm_mve.h: rows of 16 weights. */
#include "ep_conv2d_1x1_few_arm_mve.inc"

    FEW ep_conv2d_1x1_few16_s8_arm_mve 16 0
