/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_arm_strip.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#include <arm_mve.h>
#endif

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)

/* So many elements, or zeros. */
static void copy(const float *from, int32_t length, float *to)
{
    for (int32_t i = 0; i < length; i += 4) {
        const mve_pred16_t inside = vctp32q((uint32_t)(length - i));
        const float32x4_t v = from != 0 ? vldrwq_z_f32(from + i, inside) : vdupq_n_f32(0.0f);
        vstrwq_p_f32(to + i, v, inside);
    }
}

/* Four runs side by side, four elements at a time: up to three are written behind them. */
static float *interleave(const float *const run[4], int32_t length, float *to)
{
    const float *a = run[0];
    const float *b = run[1];
    const float *c = run[2];
    const float *d = run[3];
    float32x4x4_t four;
    for (; length >= 4; length -= 4) {
        four.val[0] = vld1q_f32(a);
        four.val[1] = vld1q_f32(b);
        four.val[2] = vld1q_f32(c);
        four.val[3] = vld1q_f32(d);
        vst4q_f32(to, four);
        a += 4;
        b += 4;
        c += 4;
        d += 4;
        to += 16;
    }
    if (length > 0) {
        const mve_pred16_t inside = vctp32q((uint32_t)length);
        four.val[0] = vldrwq_z_f32(a, inside);
        four.val[1] = vldrwq_z_f32(b, inside);
        four.val[2] = vldrwq_z_f32(c, inside);
        four.val[3] = vldrwq_z_f32(d, inside);
        vst4q_f32(to, four);
    }
    return to + 4 * length;
}

#else

/* So many elements, or zeros. */
static void copy(const float *from, int32_t length, float *to)
{
    for (int32_t i = 0; i < length; i++) {
        to[i] = from != 0 ? from[i] : 0.0f;
    }
}

/* Four runs side by side. */
static float *interleave(const float *const run[4], int32_t length, float *to)
{
    const float *a = run[0];
    const float *b = run[1];
    const float *c = run[2];
    const float *d = run[3];
    for (; length > 0; length--) {
        to[0] = *a++;
        to[1] = *b++;
        to[2] = *c++;
        to[3] = *d++;
        to += 4;
    }
    return to;
}

#endif

/* One kernel row of one pixel whose input lies partly in the border, or is not contiguous. */
static void gather(const ep_window *n, int32_t depth, const float *row, int32_t left, float *to)
{
    for (int32_t kx = n->kernel_w; kx > 0; kx--, left += n->dilation_w) {
        const int inside = row != 0 && left >= 0 && left < n->in_w;
        copy(inside ? row + left * n->in_c : 0, depth, to);
        to += depth;
    }
}

void ep_arm_strip_f32(const ep_conv2d_f32_params *p, const float *x, int32_t at, float *strip)
{
    const ep_window *const n = &p->window;
    const int32_t depth = n->in_c / p->groups;
    const int32_t run_length = n->kernel_w * depth;
    float *const bordered = strip + 4 * (n->kernel_h * run_length + 3);
    const int32_t last = n->out_h * n->out_w - 1;
    const int contiguous = n->kernel_w == 1 || (n->dilation_w == 1 && p->groups == 1);
    for (int32_t ky = 0; ky < n->kernel_h; ky++) {
        const float *run[4];
        for (int32_t i = 0; i < 4; i++) {
            const int32_t pixel = at + i < last ? at + i : last;
            const int32_t oy = pixel / n->out_w;
            const int32_t iy = oy * n->stride_h - n->pad_top + ky * n->dilation_h;
            const int32_t left = (pixel - oy * n->out_w) * n->stride_w - n->pad_left;
            const float *row = iy >= 0 && iy < n->in_h ? x + iy * n->in_w * n->in_c : 0;
            if (contiguous && row != 0 && left >= 0 && left + n->kernel_w <= n->in_w) {
                run[i] = row + left * n->in_c;
            } else {
                run[i] = bordered + i * run_length;
                gather(n, depth, row, left, bordered + i * run_length);
            }
        }
        strip = interleave(run, run_length, strip);
    }
}
