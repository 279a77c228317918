/* SPDX-License-Identifier: Apache-2.0 */
/* What the softmax kernels share. */
#ifndef EP_EXP_ARM_MVE_H
#define EP_EXP_ARM_MVE_H

#include "ep_arm_mve_common.h"
#include "ep_exp.h"

/* x / 2^exponent of four numbers, halves away from zero; exponent at least 1, and any. */
static inline int32x4_t ep_arm_mve_divide_by_pot(int32x4_t x, int32_t exponent)
{
    return vrshlq_n_s32(vqaddq_s32(x, vshrq_n_s32(x, 31)), -exponent);
}

/* All ones where x is negative, else 0. */
static inline int32x4_t ep_arm_mve_sign(int32x4_t x)
{
    return vshrq_n_s32(x, 31);
}

/* Masks and not predicates, on which gcc 12 stumbles. */
static inline int32x4_t ep_arm_mve_choose(int32x4_t mask, int32x4_t yes, int32x4_t no)
{
    return veorq_s32(no, vandq_s32(veorq_s32(yes, no), mask));
}

/* ep_exp_on_negative of four numbers. */
static inline int32x4_t ep_arm_mve_exp_on_negative(int32x4_t x)
{
    static const int32_t factors[7] = {1672461947, 1302514674, 790015084, 290630308,
                                       39332535,   720401,     242};
    const int32_t quarter = (int32_t)1 << 24;
    const int32x4_t rest = vsubq_n_s32(vandq_s32(x, vdupq_n_s32(quarter - 1)), quarter);
    const int32x4_t a = vaddq_n_s32(vshlq_n_s32(rest, 5), (int32_t)1 << 28);
    const int32x4_t a2 = vqrdmulhq_s32(a, a);
    const int32x4_t a3 = vqrdmulhq_s32(a2, a);
    const int32x4_t a4 = ep_arm_mve_divide_by_pot(vqrdmulhq_s32(a2, a2), 2);
    const int32x4_t cubic = vqrdmulhq_n_s32(vaddq_s32(a4, a3), 715827883);
    const int32x4_t series = ep_arm_mve_divide_by_pot(vaddq_s32(cubic, a2), 1);
    int32x4_t result = vqrdmulhq_n_s32(vaddq_s32(a, series), 1895147668);
    result = vaddq_n_s32(result, 1895147668);
    const int32x4_t remainder = vsubq_s32(rest, x);
    for (int32_t k = 0; k < 7; k++) {
        const int32x4_t bit = ep_arm_mve_sign(vshlq_r_s32(remainder, 7 - k));
        result = ep_arm_mve_choose(bit, vqrdmulhq_n_s32(result, factors[k]), result);
    }
    return ep_arm_mve_choose(ep_arm_mve_sign(x), result, vdupq_n_s32(INT32_MAX));
}

/* Exponentials of diff in Q0.31, which mult and shift bring to Q5.26; 0 where it is below least. */
static inline int32x4_t ep_arm_mve_exponentials(int32x4_t diff, int32_t mult, int32_t shift,
                                                int32_t least)
{
    const int32x4_t scaled = vqrdmulhq_n_s32(vshlq_r_s32(diff, shift), mult);
    return vbicq_s32(ep_arm_mve_exp_on_negative(scaled),
                     ep_arm_mve_sign(vsubq_n_s32(diff, least)));
}

/* 1 / sum in Q0.31, sum in Q12.19; exponent: of the power of two that a product with it is divided by for int8. */
static inline int32_t ep_arm_mve_reciprocal(int32_t sum, int32_t *exponent)
{
    const int32_t headroom = ep_leading_zeros((uint32_t)sum);
    const uint32_t fraction = ((uint32_t)sum << headroom) - 0x80000000u;
    *exponent = 12 - headroom + 31 - 8;
    return ep_one_over_one_plus((int32_t)fraction);
}

/* The largest of n elements. */
static inline int32_t ep_arm_mve_largest(const int8_t *x, int32_t n)
{
    int8_t top = -128;
    for (; n > 0; n -= 16, x += 16) {
        const mve_pred16_t inside = vctp8q((uint32_t)n);
        top = vmaxvq_p_s8(top, vldrbq_z_s8(x, inside), inside);
    }
    return top;
}

#endif
