/* SPDX-License-Identifier: Apache-2.0 */
/* int16 sum or difference of two activations of one shape: that of int8 with 15 bits in the place of 20. */
#ifndef EP_ADD_S16_ARM_DSP_H
#define EP_ADD_S16_ARM_DSP_H

#include "ep_add_s8_arm_dsp.h"

#define EP_ARM_DSP_ADD_S16(name, constants) EP_ARM_DSP_ADD_OF(int16_t, 16, name, constants)

#endif
