/* SPDX-License-Identifier: Apache-2.0 */
/* Copies pixels to places with another distance, in assembly. */
#ifndef EP_SPREAD_ARM_MVE_H
#define EP_SPREAD_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    int8_t *to;
    const int8_t *from;
    int32_t count; /* pixels, at least 1 */
    int32_t bytes; /* of each, at least 1 */
    int32_t to_step; /* a multiple of bytes */
    int32_t from_step;
} ep_spread;

/* to[i * to_step + k] = from[i * from_step + k] for i < count, k < bytes */
void ep_spread_arm_mve(const ep_spread *p);

#endif
