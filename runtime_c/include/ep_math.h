/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of float without libm: smaller, faster, and the same on every core.
 *
 * Relative errors are below 7e-7 where nothing else is said. */
#ifndef EP_MATH_H
#define EP_MATH_H

#include <math.h>
#include <string.h>

#include "ep_common.h"

EP_EXTERN_C_BEGIN

static inline float ep_float_of_bits(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline uint32_t ep_bits_of_float(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* The whole number next to v, |v| < 2^31. */
static inline int32_t ep_nearest(float v)
{
    const uint32_t sign = ep_bits_of_float(v) & 0x80000000u;
    return (int32_t)(v + ep_float_of_bits(sign | 0x3F000000u)); /* a half of v's sign */
}

/* exp(x) = 2^n exp(r), |r| <= log(2) / 2, by its Taylor series; 0 below -87. */
static inline float ep_expf(float x)
{
    if ((ep_bits_of_float(x) & 0x7FFFFFFFu) > 0x42AE0000u) { /* |x| beyond 87, or NaN */
        if (x < 0.0f) {
            return 0.0f;
        }
        if (!(x <= 88.7228317f)) {
            return x * 3.40282347e38f; /* infinite, or NaN */
        }
    }
    const int32_t n = ep_nearest(x * 1.44269504f);
    const float whole = (float)n;
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f; /* Cody and Waite */
    const float tail = 0.0416666667f + r * (0.00833333333f + r * 0.00138888889f);
    const float p = 1.0f + r * (1.0f + r * (0.5f + r * (0.166666666f + r * tail)));
    return ep_float_of_bits(ep_bits_of_float(p) + ((uint32_t)n << 23)); /* a float up to n = 128 */
}

/* log(x) for a normal x > 0, or below them with an exponent in its bits that no float has:
 * x = 2^n m with m around 1, and log m = 2 artanh((m - 1) / (m + 1)). */
static inline float ep_log_of_bits(uint32_t bits)
{
    const uint32_t offset = bits - 0x3F3504F3u; /* sqrt(1/2) */
    const int32_t n = (int32_t)offset >> 23;
    const float m = ep_float_of_bits((offset & 0x007FFFFFu) + 0x3F3504F3u);
    const float s = (m - 1.0f) / (m + 1.0f);
    const float q = s * s;
    const float series =
        2.0f + q * (0.666666667f + q * (0.4f + q * (0.285714286f + q * 0.222222222f)));
    return (float)n * 0.693147181f + s * series;
}

/* log(1 + x) for 0 <= x <= 1; by its series where 1 + x would lose what matters. */
static inline float ep_log1pf(float x)
{
    if (x < 0.0078125f) {
        return x * (1.0f - x * (0.5f - x * (0.333333333f - x * 0.25f)));
    }
    return ep_log_of_bits(ep_bits_of_float(1.0f + x));
}

/* sin(x), or with quarter 1 cos(x), for |x| < 65536, NaN beyond: x is brought to |r| <= pi / 4
 * (Cody and Waite, pi / 2 in three parts) and the Taylor series of the quadrant that it fell from
 * is summed; absolute errors are below 1.1e-6. */
static inline float ep_sinf(float x, int32_t quarter)
{
    if ((ep_bits_of_float(x) & 0x7FFFFFFFu) >= 0x47800000u) { /* |x| >= 65536, or NaN */
        return NAN;
    }
    const int32_t n = ep_nearest(x * 0.636619772f);
    const float whole = (float)n;
    const float r = ((x - whole * 1.5703125f) - whole * 4.83751297e-4f) - whole * 7.54978996e-8f;
    const float q = r * r;
    const int32_t quadrant = (n + quarter) & 3;
    const float sine =
        r * (1.0f + q * (-0.166666667f + q * (0.00833333333f + q * -1.98412698e-4f)));
    const float cosine =
        1.0f + q * (-0.5f + q * (0.0416666667f + q * (-0.00138888889f + q * 2.48015873e-5f)));
    const float v = (quadrant & 1) != 0 ? cosine : sine;
    return (quadrant & 2) != 0 ? -v : v;
}

/* exp(x) - 1 for x <= 0. */
static inline float ep_expm1f(float x)
{
    if (x < -0.25f) {
        return ep_expf(x) - 1.0f;
    }
    const float tail = 0.0416666667f + x * (0.00833333333f + x * 0.00138888889f);
    return x * (1.0f + x * (0.5f + x * (0.166666667f + x * tail)));
}

static inline float ep_tanhf(float x)
{
    const float below = x < 0.0f ? 2.0f * x : -2.0f * x;
    const float e = ep_expm1f(below); /* exp(-2 |x|) - 1 */
    const float magnitude = -e / (2.0f + e);
    return x < 0.0f ? -magnitude : magnitude;
}

/* erfc(x) by Chebyshev's fit of W. H. Press et al., Numerical Recipes; error below 2e-6 of it. */
static inline float ep_erfcf(float x)
{
    static const float c[10] = {-1.26551223f, 1.00002368f,  0.37409196f, 0.09678418f,  -0.18628806f,
                                0.27886807f,  -1.13520398f, 1.48851587f, -0.82215223f, 0.17087277f};
    const float z = x < 0.0f ? -x : x;
    const float t = 1.0f / (1.0f + 0.5f * z);
    float sum = 0.0f;
    for (int32_t k = 9; k >= 0; k--) {
        sum = sum * t + c[k];
    }
    const float tail = t * ep_expf(sum - z * z);
    return x < 0.0f ? 2.0f - tail : tail;
}

EP_EXTERN_C_END
#endif
