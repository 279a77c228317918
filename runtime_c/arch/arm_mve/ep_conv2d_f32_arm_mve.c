/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_f32_arm_mve.h"

#include <arm_mve.h>

#include "ep_arm_strip_f32.h"
#include "ep_tile_f32_arm_mve.h"

typedef void tile(const float *x, const float *w, int32_t n, float *sums);

/* Results of a block of channels for the pixels that are inside. */
static void block(const ep_conv2d_f32_params *p, tile *products, int32_t channels, const float *strip,
                  int32_t length, const float *w, const float *bias, mve_pred16_t inside, float *y)
{
    const uint32x4_t place = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)p->window.out_c);
    float sums[6][4];
    for (int32_t c = 0; c < channels; c++) {
        vst1q_f32(sums[c], vdupq_n_f32(bias[c]));
    }
    products(strip, w, length, sums[0]);
    for (int32_t c = 0; c < channels; c++) {
        float32x4_t v = vld1q_f32(sums[c]);
        v = vmaxnmq_f32(v, vdupq_n_f32(p->act_min));
        v = vminnmq_f32(v, vdupq_n_f32(p->act_max));
        vstrwq_scatter_shifted_offset_p_f32(y + c, place, v, inside);
    }
}

void ep_conv2d_f32_arm_mve(const ep_conv2d_f32_params *p, const float *w, const float *bias,
                           const float *x, void *strip, float *y)
{
    const ep_window *const n = &p->window;
    const int32_t filters = n->out_c / p->groups, depth = n->in_c / p->groups;
    const int32_t length = n->kernel_h * n->kernel_w * depth;
    const int32_t pixels = n->out_h * n->out_w;
    const int32_t sixes = 6 * ep_sixes_f32(filters);
    const int32_t fours = sixes + (filters - sixes) / 4 * 4;
    for (int32_t group = 0; group < p->groups; group++) {
        const int32_t first = group * filters;
        for (int32_t at = 0; at < pixels; at += 4) {
            const mve_pred16_t inside = vctp32q((uint32_t)(pixels - at));
            float *const to = y + at * n->out_c + first;
            int32_t channels = 6;
            ep_arm_strip_f32(p, x + group * depth, at, (float *)strip);
            for (int32_t o = 0; o < filters; o += channels) {
                tile *products = ep_tile_six_f32_arm_mve;
                if (o >= sixes) {
                    channels = o < fours ? 4 : 1;
                    products = o < fours ? ep_tile_four_f32_arm_mve : ep_tile_one_f32_arm_mve;
                }
                block(p, products, channels, (const float *)strip, length, w + (first + o) * length,
                      bias + first + o, inside, to + o);
            }
        }
    }
}
