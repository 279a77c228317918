/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dequantize.h"

void ep_dequantize_s16_f32(const ep_dequantize_s16_f32_params *p, const int16_t *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        y[i] = p->scale * (float)(x[i] - p->zero);
    }
}
