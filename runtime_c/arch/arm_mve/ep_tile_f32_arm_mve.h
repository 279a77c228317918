/* SPDX-License-Identifier: Apache-2.0 */
/* float32 inner loops for Helium: four channels a vector times seven pixels. */
#ifndef EP_TILE_F32_ARM_MVE_H
#define EP_TILE_F32_ARM_MVE_H

#include "ep_common.h"

#define EP_TILE_PIXELS 7

/* The assembly knows the order of these. */
typedef struct {
    const float *x;  /* [n][EP_TILE_PIXELS] */
    int32_t n;       /* inputs of a result, at least 1 */
    int32_t outputs; /* channels, at least 1 */
    int32_t last;    /* number of the last pixel that has results */
    int32_t pitch;   /* bytes from the results of a pixel to those of the next */
    float low;
    float high;
} ep_tile_f32;

/* y[i][c] = clamp(bias[c] + sum_k x[k][i] * w[k][c]) for the pixels i up to the last
 *
 * w    float, four channels after four: [n][4], then [n][outputs % 4]
 * bias float [outputs]
 * y    float [outputs] at every pitch */
void ep_tile_f32_arm_mve(const ep_tile_f32 *t, const float *w, const float *bias, float *y);

#endif
