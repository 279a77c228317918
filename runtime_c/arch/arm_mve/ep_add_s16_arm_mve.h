/* SPDX-License-Identifier: Apache-2.0 */
/* int16 sums of two activations of one shape, in assembly. */
#ifndef EP_ADD_S16_ARM_MVE_H
#define EP_ADD_S16_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    int32_t length; /* elements */
    int32_t b_mult;
    int32_t b_shift;
    int32_t y_mult;
    int32_t y_shift; /* negative */
    int32_t b_sign;  /* -31 where b_shift is negative, -32 where it is 0 */
    int32_t act_min;
    int32_t act_max;
} ep_add_s16_arm_mve_params;

/* As ep_add_s16, bit for bit, where all zero points are 0 and the scale of a is the larger one, so that its
 * multiplier is one half. y may be a or b. */
void ep_add_s16_arm_mve(const ep_add_s16_arm_mve_params *p, const int16_t *a, const int16_t *b,
                        int16_t *y);

#endif
