/* SPDX-License-Identifier: Apache-2.0 */
/* Copies pixels to planes, a plane for each of eight channels, in assembly. */
#ifndef EP_SCATTER_ARM_MVE_H
#define EP_SCATTER_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    int8_t *to;
    const int8_t *from;
    int32_t count;    /* pixels, at least 1 */
    int32_t channels; /* 1 to 8 */
    int32_t to_step;
    int32_t from_step;
    int32_t plane_step; /* from one channel to the next, less than 8,192 */
} ep_scatter;

/* to[k * plane_step + i * to_step] = from[i * from_step + k] for i < count, k < channels */
void ep_scatter_arm_mve(const ep_scatter *p);

#endif
