/* SPDX-License-Identifier: Apache-2.0 */
/* Four positions times all channels of a convolution, two multiplications an instruction. */
#ifndef EP_QUADS_S8_ARMV6M_H
#define EP_QUADS_S8_ARMV6M_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* Inputs of four positions a, b, c, d lie in words of two: for i = 0, 2, 4, ...
 *
 *     a[i] + b[i] * 2^16, a[i + 1] + b[i + 1] * 2^16, c[i] + d[i] * 2^16, c[i + 1] + d[i + 1] * 2^16 */
typedef struct {
    const int32_t *x;   /* a multiple of eight words */
    const int32_t *end; /* of x */
    const int32_t *w;   /* four weights a word, those of one channel behind those of another */
    const int32_t *bias;
    const int32_t *mult;
    const int8_t *shift; /* in [-22, -1] */
    int32_t rounding;    /* 2 * zero + 1 */
    int8_t *y;           /* results of the first position */
    int8_t *last;        /* where they end */
    int32_t apart[3];    /* from them to those of the others, which are written first */
} ep_quads;

/* Results of all channels. The pointers of q move on.
 *
 * No two weights i and i + 1, i even, are both -128: then a word of inputs times a weight, and its
 * neighbour's product, add up to two sums of 16 bits, which are taken apart exactly. */
void ep_quads_s8_armv6m(ep_quads *q);

/* Packs inputs of two positions: words of the first, or of the last two.
 *
 * to int32 [2 * n], n rounded up to a multiple of 4; what is behind the inputs is not written */
void ep_quads_pack_s8_armv6m(int32_t *to, const int8_t *x, const int8_t *x1, int32_t n);

EP_EXTERN_C_END
#endif
