/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_conv2d_s8_riscv.h"

#include "ep_lines.h"
#include "ep_quads_s8_riscv.h"

#define EP_POSITIONS 4

/* Inputs of two positions side by side. */
static EP_NOINLINE void pack_two(int32_t *to, const int8_t *x, const int8_t *x1, int32_t n)
{
    const int8_t *const unrolled = x + EP_UNROLL * (n & ~3);
    const int8_t *const end = x + n;
    for (; x != unrolled; x += 4, x1 += 4, to += 8) {
        const int32_t a = x[0] + x1[0] * 65536, b = x[1] + x1[1] * 65536;
        const int32_t c = x[2] + x1[2] * 65536, d = x[3] + x1[3] * 65536;
        to[0] = a;
        to[2] = b;
        to[4] = c;
        to[6] = d;
    }
    for (; x != end; to += 2) {
        *to = *x++ + *x1++ * 65536;
    }
}

/* What is alone at the end of a row is one half of words; the next row begins with the other. */
static EP_NOINLINE void pack_one(int32_t *to, int32_t second, const int8_t *x, int32_t n)
{
    const int8_t *const end = x + n;
    for (; x != end; to += 2) {
        const int32_t v = *x++;
        *to = second != 0 ? *to + v * 65536 : v;
    }
}

void ep_conv2d_s8_riscv(const ep_conv2d_s8_params *p, const int8_t *w, const uint8_t *runs,
                        const int32_t *bias, const int32_t *mult, const int8_t *shift,
                        const int8_t *x, void *scratch, int8_t *y)
{
    const ep_window *const n = &p->window;
    const int32_t column = n->kernel_h * n->in_c;
    const int32_t length = n->kernel_w * column;
    const int32_t fours = (length + 3) & ~3;
    const int32_t apart = n->stride_w * (p->direct != 0 ? n->in_c : column);
    int32_t *const packed = (int32_t *)scratch;
    int8_t *const lines = (int8_t *)(packed + 2 * fours);
    int32_t held = 0, left = n->out_h * n->out_w;
    for (int32_t i = 0; i < n->out_h; i++) {
        const int8_t *at = x + i * n->stride_h * n->in_w * n->in_c;
        if (p->direct == 0) {
            ep_lines_fill(n, i, n->in_c, n->in_c, p->x_zero, x, lines);
            at = lines;
        }
        for (int32_t j = 0; j < n->out_w;) {
            const int32_t count = (held & 1) == 0 && n->out_w - j >= 2 ? 2 : 1;
            int32_t *const to = packed + held / 2;
            if (count == 2) {
                pack_two(to, at, at + apart, length);
            } else {
                pack_one(to, held & 1, at, length);
            }
            at += count * apart;
            j += count;
            held += count;
            if (held == EP_POSITIONS || held == left) {
                ep_quads_riscv quads = {
                    packed, packed + 2 * fours, w, fours, runs, bias, mult, shift,
                    p->output.zero, p->output.low, p->output.high, y, y + n->out_c, {0, 0, 0}};
                for (int32_t k = 1; k < EP_POSITIONS; k++) {
                    quads.apart[k - 1] = (k < held ? k : held - 1) * p->pitch;
                }
                ep_quads_s8_riscv(&quads);
                y += held * p->pitch;
                left -= held;
                held = 0;
            }
        }
    }
}
