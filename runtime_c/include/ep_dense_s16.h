/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_S16_H
#define EP_DENSE_S16_H

#include "ep_dense_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_dense_s8_params ep_dense_s16_params;

/* ep_dense_s8 for int16 inputs and outputs with int8 weights, rescaled by acc * mult / 2^shift,
 * rounded once, halves up.
 *
 * mult  int64 [out_len], below 2^47
 * shift int8  [out_len], [17, 78] */
void ep_dense_s16(const ep_dense_s8_params *p, const int8_t *w, const int32_t *bias,
                  const int64_t *mult, const int8_t *shift, const int16_t *x, int16_t *y);

EP_EXTERN_C_END
#endif
