#include "ep_conv2d_s8.h"

/* Writes the inputs of one position (of one group), plus 128, in kernel order; gives their sum. */
static uint32_t gather(const ep_conv2d_s8_params *p, int32_t depth, int32_t position,
                       const int8_t *x, uint8_t *column)
{
    const ep_window *const n = &p->window;
    const int32_t top = position / n->out_w * n->stride_h - n->pad_top;
    const int32_t left = position % n->out_w * n->stride_w - n->pad_left;
    const uint32_t border = (uint32_t)(p->x_zero + 128);
    uint32_t sum = 0;
    for (int32_t i = 0; i < n->kernel_h; i++) {
        const int32_t row = top + i * n->dilation_h;
        const int inside = row >= 0 && row < n->in_h;
        for (int32_t j = 0; j < n->kernel_w; j++) {
            const int32_t at = left + j * n->dilation_w;
            if (inside && at >= 0 && at < n->in_w) {
                const int8_t *const from = x + (row * n->in_w + at) * n->in_c;
                for (int32_t k = 0; k < depth; k++) {
                    const uint32_t v = (uint32_t)(from[k] + 128);
                    column[k] = (uint8_t)v;
                    sum += v;
                }
            } else {
                for (int32_t k = 0; k < depth; k++) {
                    column[k] = (uint8_t)border;
                }
                sum += border * (uint32_t)depth;
            }
            column += depth;
        }
    }
    return sum;
}

/* The products of two columns with one block of channels. */
static void tile_block(const uint8_t *column, const uint8_t *w, int32_t n, uint32_t *sums)
{
    uint32_t a0 = 0, b0 = 0, c0 = 0, d0 = 0, a1 = 0, b1 = 0, c1 = 0, d1 = 0;
    const uint8_t *const end = column + n;
    for (; column != end; column++, w += EP_BLOCK) {
        const uint32_t v0 = column[0], v1 = column[n];
        a0 += v0 * w[0];
        a1 += v1 * w[0];
        b0 += v0 * w[1];
        b1 += v1 * w[1];
        c0 += v0 * w[2];
        c1 += v1 * w[2];
        d0 += v0 * w[3];
        d1 += v1 * w[3];
    }
    sums[0] = a0;
    sums[1] = b0;
    sums[2] = c0;
    sums[3] = d0;
    sums[4] = a1;
    sums[5] = b1;
    sums[6] = c1;
    sums[7] = d1;
}

static void tile_single(const uint8_t *column, const uint8_t *w, int32_t n, uint32_t *sums)
{
    uint32_t a0 = 0, a1 = 0;
    const uint8_t *const end = column + n;
    for (; column != end; column++, w++) {
        a0 += (uint32_t)column[0] * w[0];
        a1 += (uint32_t)column[n] * w[0];
    }
    sums[0] = a0;
    sums[EP_BLOCK] = a1;
}

void ep_conv2d_s8(const ep_conv2d_s8_params *p, const uint8_t *w, const int32_t *bias,
                  const int32_t *mult, const int8_t *shift, const int8_t *x, void *columns,
                  int8_t *y)
{
    const ep_window *const n = &p->window;
    uint8_t *const column = (uint8_t *)columns;
    const int32_t depth = n->in_c / p->groups;
    const int32_t filters = n->out_c / p->groups;
    const int32_t length = n->kernel_h * n->kernel_w * depth;
    const int32_t positions = n->out_h * n->out_w;
    for (int32_t group = 0; group < p->groups; group++) {
        for (int32_t at = 0; at < positions; at += 2) {
            const int32_t second = at + 1 < positions ? at + 1 : at;
            uint32_t offsets[2];
            offsets[0] = gather(p, depth, at, x + group * depth, column) << 7;
            offsets[1] = gather(p, depth, second, x + group * depth, column + length) << 7;
            const uint8_t *weights = w + group * filters * length;
            int32_t o = group * filters;
            const int32_t last = o + filters;
            while (o < last) {
                uint32_t sums[2 * EP_BLOCK];
                int32_t count = EP_BLOCK;
                if (last - o >= EP_BLOCK) {
                    tile_block(column, weights, length, sums);
                } else {
                    tile_single(column, weights, length, sums);
                    count = 1;
                }
                weights += count * length;
                for (int32_t i = 0; i < count; i++, o++) {
                    for (int32_t k = 0; k <= second - at; k++) {
                        const uint32_t acc = (uint32_t)bias[o] + sums[k * EP_BLOCK + i] - offsets[k];
                        const int32_t v = ep_rescale((int32_t)acc, mult[o], shift[o]) + p->y_zero;
                        y[(at + k) * n->out_c + o] = (int8_t)ep_limit(v, p->act_min, p->act_max);
                    }
                }
            }
        }
    }
}
