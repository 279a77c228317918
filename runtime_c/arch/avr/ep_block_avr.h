/* SPDX-License-Identifier: Apache-2.0 */
/* Products of eight bits, with weights in flash and in RAM. */
#ifndef EP_BLOCK_AVR_H
#define EP_BLOCK_AVR_H

#include "ep_common.h"

/* sums[c] += sum over i of x[i] * w[4 i + c], for four c and i in [0, n); n > 0 */
void ep_block_flash_avr(const int8_t *x, const __flash int8_t *w, uint16_t n, int32_t *sums);
void ep_block_avr(const int8_t *x, const int8_t *w, uint16_t n, int32_t *sums);

/* sums[c] += sum over i of x[(4 + skip) i + c] * w[4 i + c] */
void ep_taps_flash_avr(const int8_t *x, const __flash int8_t *w, uint16_t n, int32_t *sums, uint16_t skip);
void ep_taps_avr(const int8_t *x, const int8_t *w, uint16_t n, int32_t *sums, uint16_t skip);

/* sum += v * w: muls leaves the sign of its product in the carry. */
static inline int32_t ep_mac_avr(int32_t sum, int8_t v, int8_t w)
{
    uint8_t sign;
    __asm__("muls %[v], %[w]\n sbc %[s], %[s]\n add %A[sum], r0\n adc %B[sum], r1\n"
            " adc %C[sum], %[s]\n adc %D[sum], %[s]\n clr r1\n"
            : [sum] "+r"(sum), [s] "=&r"(sign)
            : [v] "d"(v), [w] "d"(w)
            : "r0");
    return sum;
}

#endif
