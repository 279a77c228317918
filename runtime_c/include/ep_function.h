/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one element in float that take nothing but how many there are.
 *
 * x float [length]
 * y float [length]; may be x */
#ifndef EP_FUNCTION_H
#define EP_FUNCTION_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t length; /* elements */
} ep_function_f32_params;

/* y = |x| */
void ep_abs_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = cos(x), in radians; NaN from 65,536 on, either way */
void ep_cos_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = erf(x) */
void ep_erf_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = exp(x) */
void ep_exp_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = x P(X <= x) for a standard normal X */
void ep_gelu_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))): the approximation of GELU */
void ep_gelu_tanh_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = x min(max(x + 3, 0), 6) / 6 */
void ep_hard_swish_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = log(x); minus infinity at 0, NaN below */
void ep_log_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = x tanh(log(1 + exp(x))) */
void ep_mish_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = 1 / x */
void ep_reciprocal_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = 1 / the square root of x */
void ep_rsqrt_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = 1 / (1 + exp(-x)) */
void ep_sigmoid_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = sin(x), in radians; NaN from 65,536 on, either way */
void ep_sin_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = log(1 + exp(x)) */
void ep_softplus_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = x / (1 + |x|) */
void ep_softsign_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = the square root of x */
void ep_sqrt_f32(const ep_function_f32_params *p, const float *x, float *y);

/* y = tanh(x) */
void ep_tanh_f32(const ep_function_f32_params *p, const float *x, float *y);

EP_EXTERN_C_END
#endif
