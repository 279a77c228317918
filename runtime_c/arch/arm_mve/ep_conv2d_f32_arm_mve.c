/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_f32_arm_mve.h"

#include "ep_interleave_f32_arm_mve.h"
#include "ep_tile_f32_arm_mve.h"

/* So many elements of a kernel row, or zeros; where the next ones go. */
static float *piece(const float *from, int32_t length, float *to)
{
    const ep_interleave_f32 one = {from, length, 1, 1, 0, 0};
    if (length > 0) {
        ep_interleave_f32_arm_mve(&one, to);
    }
    return to + EP_TILE_PIXELS * length;
}

/* The window of a pixel that lies partly in the border, or whose kernel rows do not lie together. */
static void gather(const ep_window *n, int32_t depth, const float *x, int32_t top, int32_t left, float *to)
{
    const int together = n->dilation_w == 1 && depth == n->in_c;
    for (int32_t ky = 0; ky < n->kernel_h; ky++, top += n->dilation_h) {
        const float *const row = x + top * n->in_w * n->in_c;
        if (top < 0 || top >= n->in_h) {
            to = piece(0, n->kernel_w * depth, to);
        } else if (together) {
            const int32_t first = ep_limit(-left, 0, n->kernel_w);
            const int32_t end = ep_limit(n->in_w - left, first, n->kernel_w);
            to = piece(0, first * depth, to);
            to = piece(row + (left + first) * depth, (end - first) * depth, to);
            to = piece(0, (n->kernel_w - end) * depth, to);
        } else {
            for (int32_t kx = 0; kx < n->kernel_w; kx++) {
                const int32_t at = left + kx * n->dilation_w;
                to = piece(at >= 0 && at < n->in_w ? row + at * n->in_c : 0, depth, to);
            }
        }
    }
}

/* The windows of so many pixels from number `at` on, side by side. */
static void fill(const ep_window *n, int32_t depth, const float *x, int32_t at, int32_t count, float *strip)
{
    const int together = n->kernel_w == 1 || (n->dilation_w == 1 && depth == n->in_c);
    const int32_t tall = (n->kernel_h - 1) * n->dilation_h;
    int32_t oy = at / n->out_w, ox = at % n->out_w, run;
    ep_interleave_f32 inside = {0, n->kernel_w * depth, n->kernel_h, 1, 4 * n->dilation_h * n->in_w * n->in_c,
                                4 * n->stride_w * n->in_c};
    for (int32_t i = 0; i < count; i += run) {
        const int32_t top = oy * n->stride_h - n->pad_top, left = ox * n->stride_w - n->pad_left;
        const int32_t most = count - i < n->out_w - ox ? count - i : n->out_w - ox;
        const int32_t room = n->in_w - n->kernel_w - left;
        run = 1;
        if (together && top >= 0 && top + tall < n->in_h && left >= 0 && room >= 0) {
            run = room / n->stride_w + 1;
            run = run < most ? run : most;
            inside.from = x + (top * n->in_w + left) * n->in_c;
            inside.pixels = run;
            ep_interleave_f32_arm_mve(&inside, strip + i);
        } else {
            gather(n, depth, x, top, left, strip + i);
        }
        ox += run;
        if (ox == n->out_w) {
            ox = 0;
            oy++;
        }
    }
}

void ep_conv2d_f32_arm_mve(const ep_conv2d_f32_params *p, const float *w, const float *bias,
                           const float *x, void *strip, float *y)
{
    const ep_window *const n = &p->window;
    const int32_t filters = n->out_c / p->groups, depth = n->in_c / p->groups;
    const int32_t length = n->kernel_h * n->kernel_w * depth;
    const int32_t pixels = n->out_h * n->out_w;
    ep_tile_f32 tile = {(const float *)strip, length, filters, 0, 4 * n->out_c, p->act_min, p->act_max};
    for (int32_t group = 0; group < p->groups; group++) {
        for (int32_t at = 0; at < pixels; at += EP_TILE_PIXELS) {
            const int32_t left = pixels - at;
            const int32_t count = left < EP_TILE_PIXELS ? left : EP_TILE_PIXELS;
            fill(n, depth, x, at, count, (float *)strip);
            tile.last = count - 1;
            ep_tile_f32_arm_mve(&tile, w, bias, y + at * n->out_c);
        }
        x += depth;
        w += filters * length;
        bias += filters;
        y += filters;
    }
}
