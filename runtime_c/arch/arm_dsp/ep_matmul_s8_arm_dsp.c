/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_matmul_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

typedef ep_matmul_s8_arm_dsp_params matmul_params;

static inline uint32_t less(uint32_t pair, uint32_t by)
{
    uint32_t rest;
    __asm__("ssub16 %0, %1, %2" : "=r"(rest) : "r"(pair), "r"(by));
    return rest;
}

/* sum + both lanes of a pair */
static inline int32_t with_both(int32_t sum, uint32_t pair)
{
    const uint32_t ones = 0x00010001u;
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(pair), "r"(ones));
    return sum;
}

/* One row of a into its column of the planes: pairs (k, k+2), (k+1, k+3) of each four, then what is left
 * in pairs, then for each part its sum twice; planes behind those stay zero. */
static void widen(const matmul_params *p, const int8_t *x, uint32_t *to)
{
    const uint32_t zeros = ep_pair(p->a_zero, p->a_zero);
    uint32_t *sums = to + 4 * ((p->in_len + 1) / 2);
    for (int32_t left = p->in_len; left > 0; left -= EP_MATMUL_PART) {
        int32_t n = left < EP_MATMUL_PART ? left : EP_MATMUL_PART;
        int32_t sum = 0;
        for (; n >= 4; n -= 4) {
            const uint32_t word = ep_load4(x);
            const uint32_t even = less(ep_even_bytes(word), zeros);
            const uint32_t odd = less(ep_odd_bytes(word), zeros);
            x += 4;
            sum = with_both(with_both(sum, even), odd);
            to[0] = even;
            to[4] = odd;
            to += 8;
        }
        for (; n > 0; n -= 2) {
            const uint32_t pair = less(ep_pair(x[0], n > 1 ? x[1] : p->a_zero), zeros);
            x += 2;
            sum = with_both(sum, pair);
            to[0] = pair;
            to += 4;
        }
        sums[0] = ep_pair(sum, sum);
        sums += 4;
    }
}

/* Weights of what is no element of b: of the sums, in two terms, and of planes that only fill up. */
static void fill_up(const matmul_params *p, int32_t columns, int8_t *to)
{
    const int32_t parts = (p->in_len + EP_MATMUL_PART - 1) / EP_MATMUL_PART;
    const int32_t first = (p->in_len + 1) / 2;
    const int32_t half = -p->b_zero / 2;
    for (int32_t i = first; i < p->planes; i++) {
        const int32_t is_sum = i < first + parts;
        for (int32_t c = 0; c < columns; c++) {
            to[c] = (int8_t)(is_sum ? half : 0);
            to[columns + c] = (int8_t)(is_sum ? -p->b_zero - half : 0);
        }
        to += 2 * columns;
    }
}

static inline int32_t at(const int8_t *from, int32_t step, int32_t k, int32_t n)
{
    return k < n ? from[k * step] : 0;
}

/* Two columns: (A B)(k), (A B)(k') of each pair of terms. */
static void pack_pair(const matmul_params *p, const int8_t *a, const int8_t *b, int32_t step, int8_t *to)
{
    const int32_t n = p->in_len;
    int32_t k = 0;
    if (step == 1) {
        for (; k + 4 <= n; k += 4, to += 8) {
            const uint32_t va = ep_load4(a + k);
            const uint32_t vb = ep_load4(b + k);
            ep_store4(to, (va & 0x00FF00FFu) | (vb & 0x00FF00FFu) << 8);
            ep_store4(to + 4, (va >> 8 & 0x00FF00FFu) | (vb & 0xFF00FF00u));
        }
    } else {
        for (; k + 4 <= n; k += 4, to += 8) { /* b is right behind a */
            const int8_t *const from = a + k * step;
            for (int32_t i = 0; i < 2; i++) {
                uint16_t near;
                uint16_t far;
                memcpy(&near, from + i * step, sizeof near);
                memcpy(&far, from + (i + 2) * step, sizeof far);
                ep_store4(to + 4 * i, near | (uint32_t)far << 16);
            }
        }
    }
    for (; k < n; k += 2, to += 4) {
        to[0] = a[k * step];
        to[1] = b[k * step];
        to[2] = (int8_t)at(a, step, k + 1, n);
        to[3] = (int8_t)at(b, step, k + 1, n);
    }
    fill_up(p, 2, to);
}

/* The odd last column. */
static void pack_solo(const matmul_params *p, const int8_t *a, int32_t step, int8_t *to)
{
    const int32_t n = p->in_len;
    int32_t k = 0;
    for (; k + 4 <= n; k += 4, to += 4) {
        to[0] = a[k * step];
        to[1] = a[(k + 2) * step];
        to[2] = a[(k + 1) * step];
        to[3] = a[(k + 3) * step];
    }
    for (; k < n; k += 2, to += 2) {
        to[0] = a[k * step];
        to[1] = (int8_t)at(a, step, k + 1, n);
    }
    fill_up(p, 1, to);
}

static void pack(const matmul_params *p, const int8_t *b, int8_t *w)
{
    const int32_t step = p->transposed != 0 ? 1 : p->out_len;
    const int32_t across = p->transposed != 0 ? p->in_len : 1;
    int32_t c = 0;
    for (; c + 2 <= p->out_len; c += 2) {
        pack_pair(p, b + c * across, b + (c + 1) * across, step, w);
        w += 4 * p->planes;
    }
    if (c < p->out_len) {
        pack_solo(p, b + c * across, step, w);
    }
}

/* `rows` rows of y, at most 4. */
static void multiply(const matmul_params *p, int32_t rows, const int8_t *w, const int32_t *table,
                     const uint32_t *strip, int8_t *y)
{
    const int32_t whole = rows == 4;
    const ep_arm_dsp_tile *const tile = whole ? &p->tile : &p->tail;
    const ep_arm_dsp_tile *const solo = whole ? &p->solo : &p->solo_tail;
    ep_arm_dsp_window window = {0, 0, 0, 0, 0, p->out_len, p->twice_zero, tile->body};
    window.start = (const uint32_t *)((const char *)strip + (whole ? p->ahead : 0));
    window.end = window.start + 4 * p->planes;
    window.wrap_end = window.end;
    for (int32_t pairs = p->out_len / 2; pairs > 0; pairs -= EP_MATMUL_PAIRS) {
        window.count = pairs < EP_MATMUL_PAIRS ? pairs : EP_MATMUL_PAIRS;
        tile->engine(w, &window, table, y);
        w += 4 * window.count * p->planes;
        y += 2 * window.count;
    }
    if (p->out_len % 2 != 0) {
        const int32_t single[3] = {0, p->mult, p->shift};
        window.count = 1;
        window.body = solo->body;
        solo->engine(w, &window, single, y);
    }
}

void ep_matmul_s8_arm_dsp(const matmul_params *p, const int8_t *a, const int8_t *b, void *scratch,
                          int8_t *y)
{
    int32_t *const table = scratch;
    uint32_t *const strip = (uint32_t *)(table + 6 * EP_MATMUL_PAIRS);
    int8_t *const w = (int8_t *)(strip + 4 * p->planes);
    for (int32_t i = 0; i < 6 * EP_MATMUL_PAIRS; i++) {
        const int32_t role = i % 6;
        table[i] = role < 2 ? 0 : role % 2 == 0 ? p->mult : p->shift;
    }
    for (int32_t i = 0; i < 4 * p->planes; i++) {
        strip[i] = 0;
        EP_STAY();
    }
    for (int32_t k = 0; k < p->count; k++) {
        const int8_t *row = a + k * p->a_step;
        if (k == 0 || p->b_step != 0) {
            pack(p, b + k * p->b_step, w);
        }
        for (int32_t left = p->rows; left > 0; left -= 4) {
            const int32_t rows = left < 4 ? left : 4;
            for (int32_t i = 0; i < rows; i++) {
                widen(p, row + i * p->in_len, strip + i);
            }
            multiply(p, rows, w, table, strip, y);
            row += rows * p->in_len;
            y += rows * p->out_len;
        }
    }
}
