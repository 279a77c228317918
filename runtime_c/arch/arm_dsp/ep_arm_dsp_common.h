/* SPDX-License-Identifier: Apache-2.0 */
/* Words of four int8 and pairs of int16 on cores with the DSP extension. */
#ifndef EP_ARM_DSP_COMMON_H
#define EP_ARM_DSP_COMMON_H

#include <stdint.h>
#include <string.h>

#include "ep_common.h"

/* An int16 in a word that is also read and written whole. */
typedef int16_t __attribute__((may_alias)) ep_lane;
typedef uint32_t __attribute__((may_alias)) ep_word;

/* These cores load and store words at any address. */
static inline uint32_t ep_load4(const int8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Bytes 0 and 2 as a pair of int16. */
static inline uint32_t ep_even_bytes(uint32_t word)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
}

/* Bytes 1 and 3 as a pair of int16. */
static inline uint32_t ep_odd_bytes(uint32_t word)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

/* Two int16 as a pair; low first. */
static inline uint32_t ep_pair(int32_t low, int32_t high)
{
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
    return pair;
}

/* The low, and the high halves of two words as a pair; those of a first. */
static inline uint32_t ep_low_halves(uint32_t a, uint32_t b)
{
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
    return pair;
}

static inline uint32_t ep_high_halves(uint32_t a, uint32_t b)
{
    uint32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
    return pair;
}

/* The pair `sums` with bytes 0 and 2, or 1 and 3, added. */
static inline uint32_t ep_add_even_bytes(uint32_t sums, uint32_t word)
{
    __asm__("sxtab16 %0, %0, %1" : "+r"(sums) : "r"(word));
    return sums;
}

static inline uint32_t ep_add_odd_bytes(uint32_t sums, uint32_t word)
{
    __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(sums) : "r"(word));
    return sums;
}

/* Byte by byte the larger, and the smaller, of two words of int8. */
static inline uint32_t ep_max_bytes(uint32_t a, uint32_t b)
{
    uint32_t most;
    __asm__("ssub8 %0, %1, %2\n sel %0, %1, %2" : "=&r"(most) : "r"(a), "r"(b) : "cc");
    return most;
}

static inline uint32_t ep_min_bytes(uint32_t a, uint32_t b)
{
    uint32_t least;
    __asm__("ssub8 %0, %1, %2\n sel %0, %2, %1" : "=&r"(least) : "r"(a), "r"(b) : "cc");
    return least;
}

static inline void ep_store4(int8_t *to, uint32_t word)
{
    memcpy(to, &word, sizeof word);
}

#endif
