/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_EXP_RECIPROCAL_H
#define EP_EXP_RECIPROCAL_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* 2 / (1 + exp(a)) in Q2.13, for a in [-2^15, -1] with so many integer bits, in [1, 7]: of the logistic function and
 * the hyperbolic tangent. As gemmlowp's fixedpoint.h has it for int16, to the bit: a series on [-1/4, 0), a product
 * of powers of e, and three steps of Newton and Raphson. */
int32_t ep_exp_reciprocal_s16(int32_t a, int32_t bits);

EP_EXTERN_C_END
#endif
