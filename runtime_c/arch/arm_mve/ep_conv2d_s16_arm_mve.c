/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_s16_arm_mve.h"

#include <arm_mve.h>

#include "ep_lines.h"
#include "ep_tile.h"
#include "ep_tile_s16_arm_mve.h"

/* Results of up to four channels of a position. ((bias + sum) * mult + half) >> shift is the rounded high word
 * of a product with mult << (32 - shift). */
static inline void finish_four(const ep_output_s8 *output, mve_pred16_t some, int32x4_t acc, int32x4_t mult,
                               int16_t *y)
{
    int32x4_t v = vrmulhq_s32(acc, mult);
    v = vmaxq_s32(v, vdupq_n_s32(output->low));
    v = vminq_s32(v, vdupq_n_s32(output->high));
    vstrhq_p_s32(y, v, some);
}

static EP_NOINLINE void finish_positions(const ep_finish *f, int32_t o, int32_t count, const int32_t *sums, int16_t *y,
                               int32_t pitch)
{
    const mve_pred16_t some = vctp32q((uint32_t)count);
    const int32x4_t bias = vldrwq_z_s32(f->bias + o, some);
    const int32x4_t left = vsubq_s32(vdupq_n_s32(32), vldrbq_z_s32(f->shift + o, some));
    const int32x4_t mult = vshlq_s32(vldrwq_z_s32(f->mult + o, some), left);
    finish_four(&f->output, some, vaddq_s32(vldrwq_s32(sums), bias), mult, y);
    if (pitch != 0) {
        finish_four(&f->output, some, vaddq_s32(vldrwq_s32(sums + EP_BLOCK), bias), mult, y + pitch);
    }
}

#define EP_INPUT int16_t
#define EP_OUTPUT int16_t
#define EP_BIAS int32_t
#define EP_CONV ep_conv2d_s16_arm_mve
#define EP_PARAMS ep_conv2d_s16_params
#define EP_TILE_PAIR ep_tile_pair_s16_arm_mve
#define EP_TILE_BLOCK ep_tile_block_s16_arm_mve
#define EP_TILE_SINGLE ep_tile_single_s16
#define EP_FINISH_TYPE ep_finish
#define EP_FINISH finish_positions
#define EP_STRIP(s, x, w, y) ep_tile_strip_s16_arm_mve(s, &finish.output, x, w, y)

#include "ep_conv2d_body.inc"
