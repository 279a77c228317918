/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_STRIP_H
#define EP_DENSE_STRIP_H

#include "ep_strip.h"

EP_EXTERN_C_BEGIN

/* Results of s->count channels, a multiple of 2 * EP_BLOCK, of a dense layer; rounded once, the shifts
 * in [-23, -2], no clamp.
 *
 * x int8 [n]
 * w int8 [count / EP_BLOCK][n][EP_BLOCK]
 * y int8 [count] */
void ep_dense_strip_s8(const ep_strip_s8 *s, const int8_t *x, const int8_t *w, int8_t *y);

EP_EXTERN_C_END
#endif
