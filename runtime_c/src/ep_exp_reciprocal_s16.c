/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_exp_reciprocal.h"

/* a * b / 2^15, halves up. */
static int32_t times(int32_t a, int32_t b)
{
    return (a * b + (1 << 14)) >> 15;
}

/* None of gemmlowp's saturations is ever met, and what it rounds away from zero is never below zero: tests try every
 * a. */
EP_WEAK int32_t ep_exp_reciprocal_s16(int32_t a, int32_t bits)
{
    /* exp(-2^k) for k >= -2 */
    static const int16_t powers[] = {25520, 19875, 12055, 4435, 600, 11, 0, 0, 0};
    const int32_t x = ((a * (1 << bits)) & 8191) - 4096; /* in its quarter, from the middle */
    const int32_t square = times(x, x);
    const int32_t fourth = (times(square, square) + 2) >> 2;
    const int32_t cube = times(fourth + times(square, x), 10923);
    int32_t e = 28918 + times(28918, x + ((cube + square + 1) >> 1));
    const int16_t *power = powers;
    for (int32_t quarters = ~a >> (13 - bits); quarters != 0; quarters >>= 1, power++) {
        if ((quarters & 1) != 0) {
            e = times(e, *power);
        }
    }
    const int32_t half = (e + 32768) >> 1;
    int32_t v = 23130 + times(half, -15420);
    for (int32_t k = 0; k < 3; k++) {
        v += times(v, (1 << 13) - times(half, v)) * 4;
    }
    return v;
}
