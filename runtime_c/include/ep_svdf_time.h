/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SVDF_TIME_H
#define EP_SVDF_TIME_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t frames;  /* that are kept */
    int32_t filters; /* features of a frame, a multiple of rank */
    int32_t rank;    /* filters of one result */
    int32_t mult;    /* from accumulators to results */
    int32_t shift;
    int32_t zero; /* zero point of the result */
} ep_svdf_time_s16_params;

/* The result of an SVDF whose features are kept in int16:
 * y[k] = cut(rescale(bias[k] + sum of x[t][o] * w[o][t] over its filters o and all t) + zero)
 *
 * Accumulators have 32 bits and wrap, as LiteRT's do.
 *
 * w    int16 [filters][frames]
 * bias int32 [filters / rank]
 * x    int16 [frames][filters], the oldest frame first
 * y    int8  [filters / rank]; may not overlap x */
void ep_svdf_time_s16(const ep_svdf_time_s16_params *p, const int16_t *w, const int32_t *bias,
                      const int16_t *x, int8_t *y);

EP_EXTERN_C_END
#endif
