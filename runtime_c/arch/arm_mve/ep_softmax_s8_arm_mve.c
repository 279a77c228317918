/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_softmax_s8_arm_mve.h"

#include "ep_arm_mve_common.h"
#include "ep_exp.h"

/* x / 2^exponent of four numbers, halves away from zero; exponent at least 1, and any. */
static int32x4_t divide_by_pot(int32x4_t x, int32_t exponent)
{
    return vrshlq_n_s32(vqaddq_s32(x, vshrq_n_s32(x, 31)), -exponent);
}

/* All ones where x is negative, else 0. */
static int32x4_t sign(int32x4_t x)
{
    return vshrq_n_s32(x, 31);
}

/* Masks and not predicates, on which gcc 12 stumbles. */
static int32x4_t choose(int32x4_t mask, int32x4_t yes, int32x4_t no)
{
    return veorq_s32(no, vandq_s32(veorq_s32(yes, no), mask));
}

/* ep_exp_on_negative of four numbers. */
static int32x4_t exp_on_negative(int32x4_t x)
{
    static const int32_t factors[7] = {1672461947, 1302514674, 790015084, 290630308,
                                       39332535,   720401,     242};
    const int32_t quarter = (int32_t)1 << 24;
    const int32x4_t rest = vsubq_n_s32(vandq_s32(x, vdupq_n_s32(quarter - 1)), quarter);
    const int32x4_t a = vaddq_n_s32(vshlq_n_s32(rest, 5), (int32_t)1 << 28);
    const int32x4_t a2 = vqrdmulhq_s32(a, a);
    const int32x4_t a3 = vqrdmulhq_s32(a2, a);
    const int32x4_t a4 = divide_by_pot(vqrdmulhq_s32(a2, a2), 2);
    const int32x4_t cubic = vqrdmulhq_n_s32(vaddq_s32(a4, a3), 715827883);
    const int32x4_t series = divide_by_pot(vaddq_s32(cubic, a2), 1);
    int32x4_t result = vqrdmulhq_n_s32(vaddq_s32(a, series), 1895147668);
    result = vaddq_n_s32(result, 1895147668);
    const int32x4_t remainder = vsubq_s32(rest, x);
    for (int32_t k = 0; k < 7; k++) {
        const int32x4_t bit = sign(vshlq_r_s32(remainder, 7 - k));
        result = choose(bit, vqrdmulhq_n_s32(result, factors[k]), result);
    }
    return choose(sign(x), result, vdupq_n_s32(INT32_MAX));
}

/* Exponentials of x - top; 0 where the difference is too small. */
static int32x4_t exponentials(const ep_softmax_s8_params *p, int32x4_t x, int32_t top)
{
    const int32x4_t diff = vsubq_n_s32(x, top);
    const int32x4_t scaled = vqrdmulhq_n_s32(vshlq_r_s32(diff, p->shift), p->mult);
    return vbicq_s32(exp_on_negative(scaled), sign(vsubq_n_s32(diff, p->diff_min)));
}

static int32_t largest(const int8_t *x, int32_t n)
{
    int8_t top = -128;
    for (; n > 0; n -= 16, x += 16) {
        const mve_pred16_t inside = vctp8q((uint32_t)n);
        top = vmaxvq_p_s8(top, vldrbq_z_s8(x, inside), inside);
    }
    return top;
}

void ep_softmax_s8_arm_mve(const ep_softmax_s8_params *p, const int8_t *x, void *scratch,
                           int8_t *y)
{
    int32_t *const kept = (int32_t *)scratch;
    for (int32_t row = 0; row < p->rows; row++) {
        const int32_t top = largest(x, p->length);
        int32_t sum = 0; /* Q12.19 */
        for (int32_t i = 0; i < p->length; i += 4) {
            const mve_pred16_t inside = vctp32q((uint32_t)(p->length - i));
            const int32x4_t e = exponentials(p, vldrbq_z_s32(x + i, inside), top);
            sum = vaddvaq_p_s32(sum, divide_by_pot(e, 12), inside);
            if (p->keep != 0) {
                vstrwq_p_s32(kept + i, e, inside);
            }
        }
        const int32_t headroom = ep_leading_zeros((uint32_t)sum);
        const uint32_t fraction = ((uint32_t)sum << headroom) - 0x80000000u;
        const int32_t reciprocal = ep_one_over_one_plus((int32_t)fraction);
        const int32_t exponent = 12 - headroom + 31 - 8;
        for (int32_t i = 0; i < p->length; i += 4) {
            const mve_pred16_t inside = vctp32q((uint32_t)(p->length - i));
            const int32x4_t e = p->keep != 0
                                    ? vldrwq_z_s32(kept + i, inside)
                                    : exponentials(p, vldrbq_z_s32(x + i, inside), top);
            const int32x4_t v = divide_by_pot(vqrdmulhq_n_s32(e, reciprocal), exponent);
            vstrbq_p_s32(y + i, ep_arm_mve_limit(vaddq_n_s32(v, -128), -128, 127), inside);
        }
        x += p->length;
        y += p->length;
    }
}
