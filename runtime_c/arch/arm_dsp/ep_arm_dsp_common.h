/* Words of four int8 and pairs of int16 on cores with the DSP extension. */
#ifndef EP_ARM_DSP_COMMON_H
#define EP_ARM_DSP_COMMON_H

#include <stdint.h>
#include <string.h>

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

#endif
