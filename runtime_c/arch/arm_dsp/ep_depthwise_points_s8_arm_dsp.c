/* SPDX-License-Identifier: Apache-2.0 */
/* Small at any level: the time goes into the assembly that is called here. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("Os")
#endif

#include "ep_depthwise_points_s8_arm_dsp.h"

#include "ep_common.h"

void ep_depthwise_points_s8_arm_dsp(const ep_depthwise_points_s8_arm_dsp_params *p, const int32_t *w,
                                    const int32_t *table, const int8_t *x, void *scratch, int8_t *y)
{
    const int32_t count = p->kernel_h * p->kernel_w;
    const int8_t **const taps = scratch;
    int8_t *border = 0; /* filled once it is needed */
    for (int32_t oy = 0; oy < p->out_h; oy++) {
        for (int32_t ox = 0; ox < p->out_w; ox++) {
            const int8_t **to = taps;
            for (int32_t ky = 0; ky < p->kernel_h; ky++) {
                const int32_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                for (int32_t kx = 0; kx < p->kernel_w; kx++) {
                    const int32_t ix = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                    if (iy >= 0 && iy < p->in_h && ix >= 0 && ix < p->in_w) {
                        *to = x + (iy * p->in_w + ix) * p->channels;
                    } else {
                        if (border == 0) {
                            border = (int8_t *)(taps + count);
                            for (int32_t c = 0; c < p->channels; c++) {
                                border[c] = (int8_t)p->zero;
                                EP_STAY();
                            }
                        }
                        *to = border;
                    }
                    to++;
                }
            }
            const ep_arm_dsp_point point = {taps, taps + count - count % 2, count % 2, y, p->channels,
                                            p->twice_zero};
            p->run(&point, w, table);
            y += p->channels;
        }
    }
}
