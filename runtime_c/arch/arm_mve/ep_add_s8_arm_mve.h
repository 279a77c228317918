/* SPDX-License-Identifier: Apache-2.0 */
/* int8 sums and differences of two activations of one shape, in assembly. */
#ifndef EP_ADD_S8_ARM_MVE_H
#define EP_ADD_S8_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    int32_t length; /* elements */
    int32_t a_mult;
    int32_t b_mult;
    int32_t offset;
    int32_t shift; /* negative */
    int32_t act_min;
    int32_t act_max;
} ep_add_s8_arm_mve_params;

/* y = clamp((offset + (a * a_mult >> 7) + (b * b_mult >> 7)) >> -shift), products rounded
 *
 * The compiler has checked, for every a and b, that this is what ep_add_s8 gives. y may be a or b. */
void ep_add_s8_arm_mve(const ep_add_s8_arm_mve_params *p, const int8_t *a, const int8_t *b,
                       int8_t *y);
/* The same without a clamp below 127 or above -128. */
void ep_add_saturate_s8_arm_mve(const ep_add_s8_arm_mve_params *p, const int8_t *a,
                                const int8_t *b, int8_t *y);

#endif
