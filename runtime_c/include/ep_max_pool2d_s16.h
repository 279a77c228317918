/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MAX_POOL2D_S16_H
#define EP_MAX_POOL2D_S16_H

#include "ep_max_pool2d_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_max_pool2d_s8_params ep_max_pool2d_s16_params;

/* ep_max_pool2d_s8 for int16. */
void ep_max_pool2d_s16(const ep_max_pool2d_s16_params *p, const int16_t *x, int16_t *y);

EP_EXTERN_C_END
#endif
