/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_lstm.h"

#include "ep_exp_reciprocal.h"
#include "ep_tile.h"

#define ONE 32767                /* 1 in Q0.15, saturated */
#define EVEN(n) (((n) + 1) & ~1) /* words begin at even elements */

static int32_t cut(int32_t v)
{
    return ep_limit(v, -32768L, ONE);
}

/* 1 / (1 + exp(-x)) of Q3.12. */
static int32_t logistic(int32_t x)
{
    if (x == 0) {
        return 1 << 14;
    }
    const int32_t y = cut(ep_exp_reciprocal_s16(x > 0 ? -x : x, 3) * 2);
    return x > 0 ? y : ONE - y;
}

static int32_t hyperbolic(int32_t x, int32_t bits)
{
    if (x == 0) {
        return 0;
    }
    const int32_t y = cut((ep_exp_reciprocal_s16(x > 0 ? -x : x, bits + 1) - (1 << 13)) * 4);
    return x > 0 ? y : -y;
}

/* The products of n inputs with a block of rows, or with one row. */
static void products(const int16_t *x, const int8_t *w, int32_t n, int32_t rows, int32_t *sums)
{
    if (rows == 1) {
        sums[0] = ep_tile_single_s16(x, w, n);
    } else {
        ep_tile_block_s16(x, w, n, sums);
    }
}

static int32_t rescaled(int32_t bias, int32_t sum, const int32_t *scale)
{
    return ep_rescale((int32_t)((uint32_t)bias + (uint32_t)sum), scale[0], scale[1]);
}

/* The results of the gates' functions. */
static void gates(const ep_lstm_s8_params *p, const int8_t *w, const int8_t *r, const int32_t *bias,
                  const int32_t *scales, const int16_t *x, const int16_t *h, int16_t *made)
{
    for (int32_t g = 0; g < 4; g++, scales += 2) {
        for (int32_t left = p->units; left > 0;) {
            const int32_t rows = left < EP_BLOCK ? 1 : EP_BLOCK;
            int32_t of_x[EP_BLOCK], of_h[EP_BLOCK];
            products(x, w, p->inputs, rows, of_x);
            products(h, r, p->units, rows, of_h);
            for (int32_t k = 0; k < rows; k++, bias++) {
                const int32_t v = cut(rescaled(bias[0], of_x[k], scales));
                const int32_t sum = cut(v + rescaled(bias[4 * p->units], of_h[k], scales + 8));
                *made++ = (int16_t)(g == 2 ? hyperbolic(sum, 3) : logistic(sum));
            }
            w += rows * p->inputs;
            r += rows * p->units;
            left -= rows;
        }
    }
}

void ep_lstm_s8(const ep_lstm_s8_params *p, const int8_t *w, const int8_t *r, const int32_t *bias,
                const int32_t *scales, const int8_t *x, const int8_t *h, const int8_t *c,
                void *scratch, int8_t *y)
{
    const int32_t n = p->units;
    int16_t *const taken = (int16_t *)scratch, *const state = taken + EVEN(p->inputs);
    int16_t *const cell = state + EVEN(n), *const made = cell + n;
    for (int32_t u = 0; u < n; u++) {
        state[u] = h[u];
        cell[u] = (int16_t)((uint8_t)c[u] + 256 * c[n + u]);
    }
    for (int32_t t = 0; t < p->steps; t++) {
        for (int32_t i = 0; i < p->inputs; i++) {
            taken[i] = *x++;
        }
        gates(p, w, r, bias, scales, taken, state, made);
        for (int32_t u = 0; u < n; u++) {
            const int32_t kept = ep_divide_by_pot((int32_t)made[n + u] * cell[u], 15);
            const int32_t product = (int32_t)made[u] * made[2 * n + u];
            const int32_t added = ep_divide_by_pot(product, 15 + p->cell_bits);
            cell[u] = (int16_t)cut(ep_limit(cut(kept + added), -p->clip, p->clip));
            const int32_t out = made[3 * n + u] * hyperbolic(cell[u], p->cell_bits);
            state[u] = (int16_t)ep_limit(ep_rescale(out, p->mult, p->shift) + p->zero, -128, 127);
            *y++ = (int8_t)state[u];
        }
    }
    for (int32_t u = 0; u < n; u++) {
        const int32_t low = cell[u] & 255;
        y[u] = (int8_t)(low < 128 ? low : low - 256);
        y[n + u] = (int8_t)((cell[u] - low) / 256);
    }
}
