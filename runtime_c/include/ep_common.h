/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels share: the rounding rules, and the storage order of weights.
 *
 * The rules are those of LiteRT's reference kernels; edgeprune/ir/fixedpoint/rounding.py has the
 * same in Python, and tests compare the two. */
#ifndef EP_COMMON_H
#define EP_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define EP_EXTERN_C_BEGIN extern "C" {
#define EP_EXTERN_C_END }
#else
#define EP_EXTERN_C_BEGIN
#define EP_EXTERN_C_END
#endif

/* Weights lie in blocks of this many output channels, the channels of a block side by side
 * ([input][channel]), so that a kernel that computes a block reads them in order. The channels
 * that are left over after the last whole block follow one by one. */
#define EP_BLOCK 4

/* Inner loops are functions of their own: inlined into a large one, compilers run out of registers. */
#ifdef __GNUC__
#define EP_NOINLINE __attribute__((noinline))
#else
#define EP_NOINLINE
#endif

/* Inner loops are unrolled, but not where the compiler was asked for small code. */
#ifdef __OPTIMIZE_SIZE__
#define EP_UNROLL 0
#else
#define EP_UNROLL 1
#endif

/* Keeps a compiler from loading everything first, and then running out of registers. */
#ifdef __GNUC__
#define EP_IN_ORDER() __asm__ volatile("" ::: "memory")
#else
#define EP_IN_ORDER() (void)0
#endif

/* Where the compiler was asked for small code, loops over bytes stay loops: many become a call of a
 * function of the C library, which on Arm takes hundreds of bytes. */
#if defined(__OPTIMIZE_SIZE__) && defined(__arm__) && defined(__GNUC__)
#define EP_SMALL_LOOPS 1
#define EP_STAY() EP_IN_ORDER()
#else
#define EP_SMALL_LOOPS 0
#define EP_STAY() (void)0
#endif

/* Gives way to a faster function of the same name, of a file in arch, where that is built too. */
#ifdef __GNUC__
#define EP_WEAK __attribute__((weak))
#else
#define EP_WEAK
#endif

/* Whether inner loops have the end of the layer in them (ep_strip.h): where there is assembly for
 * it, and on hosts, which test it. */
#if defined(__ARM_ARCH_7M__) || defined(__x86_64__) || defined(__aarch64__)
#define EP_STRIPS 1
#else
#define EP_STRIPS 0
#endif

static inline int32_t ep_limit(int32_t v, int32_t low, int32_t high)
{
    const int32_t above = v < low ? low : v;
    return above > high ? high : above;
}

/* a * b / 2^31, halves up; not for a = b = -2^31. gemmlowp's doubling high multiply. */
#ifdef __ARM_ARCH_6M__ /* no long multiplication: four short ones */
static inline int32_t ep_high_mul(int32_t a, int32_t b)
{
    const uint32_t a_low = (uint32_t)a & 0xFFFFu, b_low = (uint32_t)b & 0xFFFFu;
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const uint32_t low = a_low * b_low;
    const int32_t first = a_high * (int32_t)b_low + (int32_t)(low >> 16);
    const int32_t second = b_high * (int32_t)a_low + (first & 0xFFFF);
    const int32_t high = a_high * b_high + (first >> 16) + (second >> 16);
    /* The bits below the result: 15 of second, and all of the rest, which rounding needs not. */
    return high * 2 + (((second & 0xFFFF) + 0x4000) >> 15);
}

static inline int32_t ep_high_mul_small(int32_t a, int32_t b)
{
    return ep_high_mul(a, b);
}
#else
static inline int32_t ep_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* The same for |a| < 2^30: the result is the high word, plus the low word's highest bit. */
static inline int32_t ep_high_mul_small(int32_t a, int32_t b)
{
    const int64_t twice = (int64_t)(2 * a) * b;
    return (int32_t)(twice >> 32) + (int32_t)((uint32_t)twice >> 31);
}
#endif

/* x / 2^exponent, halves away from zero; exponent in [0, 31]. */
static inline int32_t ep_divide_by_pot(int32_t x, int32_t exponent)
{
    if (exponent == 0) {
        return x;
    }
    /* (x - (x < 0) + half) >> exponent, in two steps so that it cannot overflow; x > -2^31. */
    return (((x + (x >> 31)) >> (exponent - 1)) + 1) >> 1;
}

/* x * mult * 2^(shift - 31), rounded twice: the rule of every int8 operator but dense.
 * shift in [-31, 30]; with shift > 0, x is first shifted left, in 32 bits. */
static inline int32_t ep_rescale(int32_t x, int32_t mult, int32_t shift)
{
    if (shift >= 0) {
        return ep_high_mul((int32_t)((uint32_t)x << shift), mult);
    }
    return ep_divide_by_pot(ep_high_mul(x, mult), -shift);
}

/* x * mult * 2^(shift - 31), rounded once, halves up: the rule of dense. 31 - shift in [1, 62]. */
static inline int32_t ep_rescale_once(int32_t x, int32_t mult, int32_t shift)
{
    const int64_t product = (int64_t)x * mult;
    if (shift <= -2) { /* what is shifted out of the low half cannot carry into the result */
        return ((int32_t)(product >> 32) + ((int32_t)1 << (-2 - shift))) >> (-1 - shift);
    }
    return (int32_t)((product + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}

static inline float ep_limit_f32(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

#endif
