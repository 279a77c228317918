/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SVDF_FEATURE_H
#define EP_SVDF_FEATURE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t inputs;  /* elements of a frame */
    int32_t filters; /* features of a frame */
    int32_t mult;    /* from accumulators to features */
    int32_t shift;
} ep_svdf_feature_s8_params;

/* Features of an SVDF with a state of int16: y[o] = cut(rescale(bias[o] + sum_i x[i] * w[o][i]))
 *
 * w    int8  [filters][inputs], in blocks (EP_BLOCK)
 * bias int32 [filters]: -zero * sum_i w, of the input's zero point
 * x    int8  [inputs]
 * y    int16 [filters]; may not overlap x */
void ep_svdf_feature_s8(const ep_svdf_feature_s8_params *p, const int8_t *w, const int32_t *bias,
                        const int8_t *x, int16_t *y);

EP_EXTERN_C_END
#endif
