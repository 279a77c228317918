/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d_f32_arm_dsp.h"

#include "ep_arm_f32.h"

/* What one output position reads. */
typedef struct {
    const float *x;
    const float *w;
    int32_t rows;
    int32_t columns;
    int32_t x_row; /* elements from one kernel row to the next */
    int32_t x_column;
    int32_t w_row;
    int32_t w_column;
} view;

static void sum4(const view *v, int32_t k, float sums[4])
{
    float a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    const float *x_row = v->x + k;
    const float *w_row = v->w + k;
    for (int32_t r = v->rows; r > 0; r--) {
        const float *x = x_row;
        const float *w = w_row;
        for (int32_t i = v->columns; i > 0; i--) {
            a += x[0] * w[0];
            b += x[1] * w[1];
            c += x[2] * w[2];
            d += x[3] * w[3];
            x += v->x_column;
            w += v->w_column;
        }
        x_row += v->x_row;
        w_row += v->w_row;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

static float sum1(const view *v, int32_t k, float sum)
{
    for (int32_t r = 0; r < v->rows; r++) {
        for (int32_t i = 0; i < v->columns; i++) {
            sum += v->x[r * v->x_row + i * v->x_column + k] * v->w[r * v->w_row + i * v->w_column + k];
        }
    }
    return sum;
}

void ep_depthwise_conv2d_f32_arm_dsp(const ep_depthwise_conv2d_f32_params *p, const float *w,
                                     const float *bias, const float *x, float *y)
{
    const ep_window *const n = &p->window;
    view v = {x, w, 0, 0, n->dilation_h * n->in_w * n->in_c, n->dilation_w * n->in_c,
              n->kernel_w * n->out_c, n->out_c};
    for (int32_t i = 0; i < n->out_h; i++) {
        const int32_t top = i * n->stride_h - n->pad_top;
        const int32_t row0 = ep_first_inside(top, n->dilation_h);
        v.rows = ep_end_inside(top, n->dilation_h, n->in_h, n->kernel_h) - row0;
        for (int32_t j = 0; j < n->out_w; j++) {
            const int32_t left = j * n->stride_w - n->pad_left;
            const int32_t col0 = ep_first_inside(left, n->dilation_w);
            v.columns = ep_end_inside(left, n->dilation_w, n->in_w, n->kernel_w) - col0;
            v.x = x + ((top + row0 * n->dilation_h) * n->in_w + left + col0 * n->dilation_w) * n->in_c;
            v.w = w + row0 * v.w_row + col0 * v.w_column;
            int32_t k = 0;
            for (; k + 4 <= n->out_c; k += 4) {
                float sums[4] = {bias[k], bias[k + 1], bias[k + 2], bias[k + 3]};
                sum4(&v, k, sums);
                for (int32_t c = 0; c < 4; c++) {
                    *y++ = ep_arm_limit(sums[c], p->act_min, p->act_max);
                }
            }
            for (; k < n->out_c; k++) {
                *y++ = ep_arm_limit(sum1(&v, k, bias[k]), p->act_min, p->act_max);
            }
        }
    }
}
