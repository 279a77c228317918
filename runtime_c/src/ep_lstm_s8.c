/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_lstm.h"

#define ONE 32767 /* 1 in Q0.15, saturated */

static int32_t cut(int32_t v)
{
    return ep_limit(v, -32768L, ONE);
}

/* a * b / 2^15, halves up. */
static int32_t times(int32_t a, int32_t b)
{
    return (a * b + (1 << 14)) >> 15;
}

/* 2 / (1 + exp(a)) in Q2.13, for a <= 0 with so many integer bits: gemmlowp's series on [-1/4, 0),
 * a product of powers of e, and three steps of Newton and Raphson, all in 16 bits. */
static int32_t halved_reciprocal(int32_t a, int32_t bits)
{
    static const int16_t powers[] = {25520, 19875, 12055, 4435,
                                     600,   11,    0}; /* exp(-2^k), k >= -2 */
    const int32_t quarter = 1 << (13 - bits);
    const int32_t rest = (a & (quarter - 1)) - quarter;
    const int32_t x = cut(rest * (1 << bits)) + (1 << 12);
    const int32_t square = times(x, x);
    const int32_t fourth = ep_divide_by_pot(times(square, square), 2);
    const int32_t cube = times(fourth + times(square, x), 10923);
    int32_t e = cut(28918 + times(28918, x + ep_divide_by_pot(cube + square, 1)));
    for (int32_t k = 0; k < bits + 2; k++) {
        if (((rest - a) & (quarter << k)) != 0) {
            e = times(e, powers[k]);
        }
    }
    const int32_t half = ((a == 0 ? ONE : e) + ONE + 1) >> 1;
    int32_t v = 23130 + times(half, -15420);
    for (int32_t k = 0; k < 3; k++) {
        v += cut(times(v, (1 << 13) - times(half, v)) * 4);
    }
    return v;
}

/* 1 / (1 + exp(-x)) of Q3.12. */
static int32_t logistic(int32_t x)
{
    if (x == 0) {
        return 1 << 14;
    }
    const int32_t y = cut(halved_reciprocal(x > 0 ? -x : x, 3) * 2);
    return x > 0 ? y : ONE - y;
}

static int32_t hyperbolic(int32_t x, int32_t bits)
{
    if (x == 0) {
        return 0;
    }
    const int32_t y = cut((halved_reciprocal(x > 0 ? -x : x, bits + 1) - (1 << 13)) * 4);
    return x > 0 ? y : -y;
}

/* Adds the products of x with so many rows of w, at most EP_BLOCK, which share the loads of x. */
static EP_NOINLINE void dots(const int8_t *w, const int8_t *x, int32_t n, int32_t rows,
                             int32_t *sums)
{
    if (rows < EP_BLOCK) {
        for (int32_t k = 0; k < rows; k++) {
            for (int32_t i = 0; i < n; i++) {
                sums[k] += *w++ * x[i];
            }
        }
        return;
    }
    const int8_t *const second = w + n, *const third = second + n, *const last = third + n;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (int32_t i = 0; i < n; i++) {
        const int32_t v = x[i];
        s0 += w[i] * v;
        s1 += second[i] * v;
        s2 += third[i] * v;
        s3 += last[i] * v;
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* What enters the gates' functions, and their results. */
static void gates(const ep_lstm_s8_params *p, const int8_t *w, const int8_t *r, const int32_t *bias,
                  const int32_t *scales, const int8_t *x, const int8_t *h, int16_t *made)
{
    for (int32_t g = 0; g < 4; g++) {
        const int32_t *const of_x = scales + 2 * g, *const of_h = scales + 8 + 2 * g;
        for (int32_t u = 0; u < p->units; u += EP_BLOCK) {
            const int32_t rows = p->units - u < EP_BLOCK ? p->units - u : EP_BLOCK;
            int32_t a[EP_BLOCK], b[EP_BLOCK];
            for (int32_t k = 0; k < rows; k++) {
                a[k] = bias[k];
                b[k] = bias[4 * p->units + k];
            }
            dots(w, x, p->inputs, rows, a);
            dots(r, h, p->units, rows, b);
            for (int32_t k = 0; k < rows; k++) {
                const int32_t v = cut(ep_rescale(a[k], of_x[0], of_x[1]));
                const int32_t sum = cut(v + ep_rescale(b[k], of_h[0], of_h[1]));
                *made++ = (int16_t)(g == 2 ? hyperbolic(sum, 3) : logistic(sum));
            }
            bias += rows;
            w += rows * p->inputs;
            r += rows * p->units;
        }
    }
}

void ep_lstm_s8(const ep_lstm_s8_params *p, const int8_t *w, const int8_t *r, const int32_t *bias,
                const int32_t *scales, const int8_t *x, const int8_t *h, const int8_t *c,
                void *scratch, int8_t *y)
{
    const int32_t n = p->units;
    int16_t *const cell = (int16_t *)scratch, *const made = cell + n;
    for (int32_t u = 0; u < n; u++) {
        cell[u] = (int16_t)((uint8_t)c[u] + 256 * c[n + u]);
    }
    for (int32_t t = 0; t < p->steps; t++) {
        gates(p, w, r, bias, scales, x, h, made);
        for (int32_t u = 0; u < n; u++) {
            const int32_t kept = ep_divide_by_pot((int32_t)made[n + u] * cell[u], 15);
            const int32_t product = (int32_t)made[u] * made[2 * n + u];
            const int32_t added = ep_divide_by_pot(product, 15 + p->cell_bits);
            cell[u] = (int16_t)cut(ep_limit(cut(kept + added), -p->clip, p->clip));
            const int32_t out = made[3 * n + u] * hyperbolic(cell[u], p->cell_bits);
            y[u] = (int8_t)ep_limit(ep_rescale(out, p->mult, p->shift) + p->zero, -128, 127);
        }
        x += p->inputs;
        h = y;
        y += n;
    }
    for (int32_t u = 0; u < n; u++) {
        const int32_t low = cell[u] & 255;
        y[u] = (int8_t)(low < 128 ? low : low - 256);
        y[n + u] = (int8_t)((cell[u] - low) / 256);
    }
}
