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

static inline int32_t ep_limit(int32_t v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* a * b / 2^31, halves up; not for a = b = -2^31. gemmlowp's doubling high multiply. */
static inline int32_t ep_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* x / 2^exponent, halves away from zero; exponent in [0, 31]. */
static inline int32_t ep_divide_by_pot(int32_t x, int32_t exponent)
{
    const uint32_t mask = ((uint32_t)1 << exponent) - 1u;
    const uint32_t threshold = (mask >> 1) + (x < 0 ? 1u : 0u);
    return (x >> exponent) + (((uint32_t)x & mask) > threshold ? 1 : 0);
}

/* x * mult * 2^(shift - 31), rounded twice: the rule of every int8 operator but dense.
 * shift in [-31, 30]; with shift > 0, x is first shifted left, in 32 bits. */
static inline int32_t ep_rescale(int32_t x, int32_t mult, int32_t shift)
{
    if (shift > 0) {
        return ep_high_mul((int32_t)((uint32_t)x << shift), mult);
    }
    return ep_divide_by_pot(ep_high_mul(x, mult), -shift);
}

/* x * mult * 2^(shift - 31), rounded once, halves up: the rule of dense. 31 - shift in [1, 62]. */
static inline int32_t ep_rescale_once(int32_t x, int32_t mult, int32_t shift)
{
    return (int32_t)(((int64_t)x * mult + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}

static inline float ep_limit_f32(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

#endif
