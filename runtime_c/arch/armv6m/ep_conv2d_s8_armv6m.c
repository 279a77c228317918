/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_s8_armv6m.h"

#include "ep_lines.h"
#include "ep_quads_s8_armv6m.h"

#define EP_QUAD 4

/* What is alone at the end of a row is one half of words; the next row begins with the other. */
static EP_NOINLINE void pack_one(int32_t *to, int32_t second, const int8_t *x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t *const word = to + ((i & ~1) * 2 + (i & 1));
        *word = second != 0 ? *word + x[i] * 65536 : x[i];
    }
}

void ep_conv2d_s8_armv6m(const ep_conv2d_s8_params *p, const void *w, const int32_t *bias,
                         const int32_t *mult, const int8_t *shift, const int8_t *x, void *scratch,
                         int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t column = n->kernel_h * n->in_c;
    const int32_t length = n->kernel_w * column;
    const int32_t words = (length + 3) / 4 * 8;
    const int32_t apart = n->stride_w * (p->direct != 0 ? n->in_c : column);
    int32_t *const packed = (int32_t *)scratch;
    int8_t *const lines = (int8_t *)(packed + words);
    int32_t held = 0, left = n->out_h * n->out_w;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int8_t *at = x + i * n->stride_h * n->in_w * n->in_c;
        if (p->direct == 0) {
            ep_lines_fill(n, i, n->in_c, n->in_c, p->x_zero, x, lines);
            at = lines;
        }
        for (int32_t j = 0; j < n->out_w;) {
            const int32_t count = (held & 1) == 0 && n->out_w - j >= 2 ? 2 : 1;
            int32_t *const to = packed + (held & 2);
            if (count == 2) {
                ep_quads_pack_s8_armv6m(to, at, at + apart, length);
            } else {
                pack_one(to, held & 1, at, length);
            }
            at += count * apart;
            j += count;
            held += count;
            if (held == EP_QUAD || held == left) {
                ep_quads quads = {packed, packed + words, (const int32_t *)w, bias, mult, shift,
                                  2 * p->output.zero + 1, y, y + n->out_c, {0, 0, 0}};
                for (int32_t k = 1; k < EP_QUAD; k++) {
                    quads.apart[k - 1] = (k < held ? k : held - 1) * p->pitch;
                }
                ep_quads_s8_armv6m(&quads);
                y += held * p->pitch;
                left -= held;
                held = 0;
            }
        }
    }
}
