/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_RESIZE_BILINEAR_H
#define EP_RESIZE_BILINEAR_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t in_w;
    int32_t channels;
    int32_t first; /* row of the tables that the first row of y has */
    int32_t above; /* rows of the tables in front of the first row of x */
    int32_t out_h;
    int32_t out_w;
} ep_resize_bilinear_s8_params;

/* y[i][j] = the four neighbours of a position, each weighted with its nearness
 *
 * index  uint16 [out_w + rows][2]: lower and upper columns, then rows
 * weight int16 [out_w + rows]: of the upper ones, in 1/1024
 * x      int8 [in_h][in_w][channels]
 * y      int8 [out_h][out_w][channels], halves away from zero; may not overlap x */
void ep_resize_bilinear_s8(const ep_resize_bilinear_s8_params *p, const uint16_t *index,
                           const int16_t *weight, const int8_t *x, int8_t *y);

typedef ep_resize_bilinear_s8_params ep_resize_bilinear_s16_params;

/* The same of int16. */
void ep_resize_bilinear_s16(const ep_resize_bilinear_s8_params *p, const uint16_t *index,
                            const int16_t *weight, const int16_t *x, int16_t *y);

typedef struct {
    int32_t in_w;
    int32_t channels;
    int32_t first; /* row of the tables that the first row of y has */
    int32_t above; /* rows of the tables in front of the first row of x */
    int32_t out_h;
    int32_t out_w;
} ep_resize_bilinear_f32_params;

/* y[i][j] = the four neighbours of a position, each weighted with its nearness
 *
 * index  uint16 [out_w + rows][2]: lower and upper columns, then rows
 * weight float [out_w + rows]: of the upper ones
 * x      float [in_h][in_w][channels]
 * y      float [out_h][out_w][channels]; may not overlap x */
void ep_resize_bilinear_f32(const ep_resize_bilinear_f32_params *p, const uint16_t *index,
                            const float *weight, const float *x, float *y);

EP_EXTERN_C_END
#endif
