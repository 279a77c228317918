/* SPDX-License-Identifier: Apache-2.0 */
/* gcc vectorises fully from -O3 on, clang from -O2. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#include "ep_depthwise_conv2d_s8_vector.h"

#include "ep_lines.h"
#include "ep_tile_vector.h"

#define EP_LANES 16

/* sums[c] = sum_t x[t][c] * w[t][c], rows c apart */
static void taps(const int8_t *restrict x, const int8_t *restrict w, int32_t c, int32_t count,
                 int32_t *restrict sums)
{
    int32_t a[EP_LANES] = {0};
    for (int32_t t = 0; t < count; t++) {
        for (int32_t k = 0; k < EP_LANES; k++) {
            a[k] += x[t * c + k] * w[t * c + k];
        }
    }
    for (int32_t k = 0; k < EP_LANES; k++) {
        sums[k] = a[k];
    }
}

void ep_depthwise_conv2d_s8_vector(const ep_depthwise_conv2d_s8_params *p, const int8_t *w,
                                   const int32_t *bias, const int32_t *mult, const int8_t *shift,
                                   const int8_t *x, void *scratch, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t channels = n->out_c, count = n->kernel_h * n->kernel_w;
    const ep_finish finish = {p->output, bias, mult, shift};
    int32_t *const sums = (int32_t *)scratch;
    int8_t *const lines = (int8_t *)(sums + channels);
    for (int32_t i = 0; i < n->out_h; i++) {
        const int8_t *at = lines;
        ep_lines_fill(n, i, channels, channels, p->x_zero, x, lines);
        for (int32_t j = 0; j < n->out_w; j++) {
            int32_t o = 0;
            for (; o + EP_LANES <= channels; o += EP_LANES) {
                taps(at + o, w + o, channels, count, sums + o);
            }
            for (; o < channels; o++) {
                int32_t sum = 0;
                for (int32_t t = 0; t < count; t++) {
                    sum += at[t * channels + o] * w[t * channels + o];
                }
                sums[o] = sum;
            }
            ep_finish_vector(&finish, channels, sums, y);
            at += n->stride_w * n->kernel_h * channels;
            y += channels;
        }
    }
}
