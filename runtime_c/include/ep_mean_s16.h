/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MEAN_S16_H
#define EP_MEAN_S16_H

#include "ep_mean_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_mean_s8_params ep_mean_s16_params;

/* ep_mean_s8 for int16. */
void ep_mean_s16(const ep_mean_s16_params *p, const int16_t *x, int16_t *y);

EP_EXTERN_C_END
#endif
