/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the inputs of pixels side by side, for ep_tile_f32_arm_mve.h. */
#ifndef EP_INTERLEAVE_F32_ARM_MVE_H
#define EP_INTERLEAVE_F32_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    const float *from; /* of the first pixel; 0: zeros take its place */
    int32_t n;         /* elements of a row, at least 1 */
    int32_t rows;      /* of a pixel, at least 1 */
    int32_t pixels;    /* at least 1; 1 of zeros */
    int32_t row_step;  /* bytes from a row to the next */
    int32_t pixel_step;
} ep_interleave_f32;

/* to[(r * n + k) * EP_TILE_PIXELS + i] = element k of row r of pixel i */
void ep_interleave_f32_arm_mve(const ep_interleave_f32 *p, float *to);

#endif
