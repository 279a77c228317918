/* SPDX-License-Identifier: Apache-2.0 */
/* Inner loops in float32 for cores with an FPU: everything that is loaded is used four times. */
#ifndef EP_ARM_F32_H
#define EP_ARM_F32_H

#include <stdint.h>
#include <string.h>

/* Adds to sums[c] the products of n inputs with a block of four channels.
 *
 * x float [n], w float [n][4], sums float [4] */
void ep_arm_f32_vector(const float *x, const float *w, int32_t n, float *sums);

/* Adds to sums[i][c] the products for four pixels i.
 *
 * x float [n][4], w float [n][4], sums float [4][4] */
void ep_arm_f32_tile(const float *x, const float *w, int32_t n, float *sums);

/* A clamp of many values; from 0 on, as ReLU needs it, by the sign bit. */
static inline float ep_arm_limit(float v, float low, float high)
{
    int32_t bits;
    if (low == 0.0f) {
        memcpy(&bits, &v, sizeof bits);
        bits &= ~(bits >> 31);
        memcpy(&v, &bits, sizeof v);
    } else {
        v = v < low ? low : v;
    }
    return v > high ? high : v;
}

#endif
