/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_matmul.h"

#include "ep_tile.h"

/* Packs b in blocks, as weights of a dense layer; bias[c] is what a sum has from a's zero point. */
static void pack(const ep_matmul_s8_params *p, const int8_t *b, int32_t *bias, int8_t *w)
{
    const int32_t down = p->transposed != 0 ? 1 : p->out_len;
    const int32_t across = p->transposed != 0 ? p->in_len : 1;
    const int32_t whole = p->out_len - p->out_len % EP_BLOCK;
    for (int32_t c = 0; c < p->out_len; c++) {
        const int8_t *from = b + c * across;
        const int32_t step = c < whole ? EP_BLOCK : 1;
        int8_t *to =
            c < whole ? w + (c - c % EP_BLOCK) * p->in_len + c % EP_BLOCK : w + c * p->in_len;
        int32_t sum = 0;
        for (int32_t i = 0; i < p->in_len; i++) {
            const int8_t v = from[i * down];
            sum += v - p->b_zero;
            to[i * step] = v;
        }
        bias[c] = -p->a_zero * sum;
    }
}

static void multiply(const ep_matmul_s8_params *p, const int8_t *a, const int32_t *bias,
                     const int8_t *w, int8_t *y)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->in_len; i++) {
        sum += a[i];
    }
    for (int32_t c = 0; c < p->out_len;) {
        int32_t sums[2 * EP_BLOCK];
        int32_t count = 2 * EP_BLOCK;
        if (p->out_len - c >= 2 * EP_BLOCK) {
            ep_tile_blocks_s8(a, w, p->in_len, sums);
        } else if (p->out_len - c >= EP_BLOCK) {
            ep_tile_block_s8(a, w, p->in_len, sums);
            count = EP_BLOCK;
        } else {
            sums[0] = ep_tile_single_s8(a, w, p->in_len);
            count = 1;
        }
        w += count * p->in_len;
        for (int32_t i = 0; i < count; i++, c++) {
            /* The parts may wrap on their way to a sum that does not. */
            const uint32_t parts = (uint32_t)bias[c] - (uint32_t)(p->b_zero * sum);
            const int32_t acc = (int32_t)(parts + (uint32_t)sums[i]);
            const int32_t v = ep_rescale(acc, p->mult, p->shift) + p->y_zero;
            *y++ = (int8_t)ep_limit(v, -128, 127);
        }
    }
}

void ep_matmul_s8(const ep_matmul_s8_params *p, const int8_t *a, const int8_t *b, void *scratch,
                  int8_t *y)
{
    int32_t *const bias = (int32_t *)scratch;
    int8_t *const w = (int8_t *)(bias + p->out_len);
    for (int32_t k = 0; k < p->count; k++) {
        const int8_t *row = a + k * p->a_step;
        if (k == 0 || p->b_step != 0) {
            pack(p, b + k * p->b_step, bias, w);
        }
        for (int32_t r = 0; r < p->rows; r++) {
            multiply(p, row, bias, w, y);
            row += p->in_len;
            y += p->out_len;
        }
    }
}
