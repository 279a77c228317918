/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_finish_s8_avr.h"

/* The last product, added to byte k and k + 1 of the result, and its carry to the last. */
#define EP_AT_1 " add %B[p], r0\n adc %C[p], r1\n adc %D[p], %[z]\n" EP_CARRY_4
#define EP_AT_2 " add %C[p], r0\n adc %D[p], r1\n" EP_CARRY_4
#define EP_AT_3 " add %D[p], r0\n adc %A[q], r1\n" EP_CARRY_5
#define EP_AT_4 " add %A[q], r0\n adc %B[q], r1\n adc %C[q], %[z]\n adc %D[q], %[z]\n"
#define EP_AT_5 " add %B[q], r0\n adc %C[q], r1\n adc %D[q], %[z]\n"
#define EP_CARRY_4 " adc %A[q], %[z]\n" EP_CARRY_5
#define EP_CARRY_5 " adc %B[q], %[z]\n adc %C[q], %[z]\n adc %D[q], %[z]\n"

/* The high word of a * b; the low one goes to low. Sixteen products of bytes without signs; a negative
 * factor has 2^32 too much, so that the other is taken off the high word. */
EP_NOINLINE static int32_t long_mul(int32_t a, int32_t b, uint32_t *low)
{
    uint32_t p, q;
    uint8_t none;
    __asm__(" clr %[z]\n"
            " mul %A[a], %A[b]\n movw %A[p], r0\n"
            " mul %B[a], %B[b]\n movw %C[p], r0\n"
            " mul %C[a], %C[b]\n movw %A[q], r0\n"
            " mul %D[a], %D[b]\n movw %C[q], r0\n"
            " mul %A[a], %B[b]\n" EP_AT_1 " mul %B[a], %A[b]\n" EP_AT_1
            " mul %A[a], %C[b]\n" EP_AT_2 " mul %C[a], %A[b]\n" EP_AT_2
            " mul %A[a], %D[b]\n" EP_AT_3 " mul %D[a], %A[b]\n" EP_AT_3
            " mul %B[a], %C[b]\n" EP_AT_3 " mul %C[a], %B[b]\n" EP_AT_3
            " mul %B[a], %D[b]\n" EP_AT_4 " mul %D[a], %B[b]\n" EP_AT_4
            " mul %C[a], %D[b]\n" EP_AT_5 " mul %D[a], %C[b]\n" EP_AT_5
            " clr r1\n"
            : [p] "=&r"(p), [q] "=&r"(q), [z] "=&r"(none)
            : [a] "r"(a), [b] "r"(b)
            : "r0");
    *low = p;
    return (int32_t)(q - (a < 0 ? (uint32_t)b : 0u) - (b < 0 ? (uint32_t)a : 0u));
}

/* v >> count, whole bytes first: shifts by a variable are loops. */
EP_NOINLINE static int32_t shifted(int32_t v, uint8_t count)
{
    for (; count >= 8; count = (uint8_t)(count - 8)) {
        v >>= 8;
    }
    for (; count != 0; count--) {
        v >>= 1;
    }
    return v;
}

/* v / 2^count, halves up; count > 0. */
EP_NOINLINE static int32_t rounded(int32_t v, uint8_t count)
{
    return (shifted(v, (uint8_t)(count - 1)) + 1) >> 1;
}

/* a * b * 2^(left - 32), halves up; left in [0, 31]. */
EP_NOINLINE static int32_t product(int32_t a, int32_t b, uint8_t left)
{
    uint32_t low;
    uint32_t high = (uint32_t)long_mul(a, b, &low);
    for (; left != 0; left--, low <<= 1) {
        high = high << 1 | low >> 31;
    }
    return (int32_t)(high + (low >> 31));
}

/* ep_rescale_once. */
static int32_t rescale_once(int32_t x, int32_t mult, int8_t shift)
{
    uint32_t low; /* what is shifted out of it cannot carry into the result */
    return shift <= -2 ? rounded(long_mul(x, mult, &low), (uint8_t)(-1 - shift))
                       : product(x, mult, (uint8_t)(shift + 1));
}

/* ep_rescale. */
static int32_t rescale(int32_t x, int32_t mult, int8_t shift)
{
    if (shift < -32) {
        shift = (int8_t)(shift + 64);
    }
    for (; shift > 0; shift--) {
        x = (int32_t)((uint32_t)x << 1);
    }
    const int32_t v = product(x, mult, 1);
    return shift == 0 ? v : rounded(v + (v < 0 ? -1 : 0), (uint8_t)-shift);
}

void ep_finish_s8_avr(const ep_finish_avr *f, uint16_t o, uint8_t count, const int32_t *sums, int8_t *y)
{
    for (; count != 0; count--, o++) {
        /* The sum may wrap on its way to a result that does not. */
        const int32_t acc = (int32_t)((uint32_t)f->bias[o] + (uint32_t)*sums++);
        const int32_t mult = f->mult[o];
        const int8_t shift = f->shift[o];
        const int32_t v = f->once != 0 ? rescale_once(acc, mult, shift) : rescale(acc, mult, shift);
        *y++ = (int8_t)ep_limit(v + f->zero, f->low, f->high);
    }
}
