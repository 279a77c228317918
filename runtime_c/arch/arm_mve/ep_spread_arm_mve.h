/* Copies pixels that lie side by side to places with a distance, in assembly. */
#ifndef EP_SPREAD_ARM_MVE_H
#define EP_SPREAD_ARM_MVE_H

#include "ep_common.h"

/* to[i * step + k] = from[i * bytes + k] for i < count, k < bytes; count and bytes at least 1. */
void ep_spread_arm_mve(int8_t *to, int32_t step, const int8_t *from, int32_t count, int32_t bytes);

#endif
