/* SPDX-License-Identifier: Apache-2.0 */
/* Four positions times all channels of a convolution, two multiplications an instruction. */
#ifndef EP_QUADS_S8_RISCV_H
#define EP_QUADS_S8_RISCV_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* Inputs of four positions a, b, c, d lie in words of two: for i = 0, 1, 2, ...
 *
 *     a[i] + b[i] * 2^16, c[i] + d[i] * 2^16
 *
 * A word times a weight are two products of 16 bits. Those of two weights add up to two sums of 16 bits
 * unless both weights are -128, and those of four where their magnitudes do not exceed 255 together; so
 * many are added before the sums are taken apart, exactly. Weights go by fours; runs say, for each two
 * channels, how many fours are added up as such, then comes one that goes by twos, and so on until
 * there are none left: the last run ends there, or is 0. */
typedef struct {
    const int32_t *x;   /* a multiple of eight words */
    const int32_t *end; /* of x */
    const int8_t *w;    /* those of one channel behind those of another */
    int32_t length;     /* of a channel's weights, a multiple of four */
    const uint8_t *runs;
    const int32_t *bias;
    const int32_t *mult;
    const int8_t *shift; /* in [-22, -1] */
    int32_t zero;        /* output zero point */
    int32_t low;         /* fused clamp */
    int32_t high;
    int8_t *y;        /* results of the first position */
    int8_t *last;     /* where they end */
    int32_t apart[3]; /* from them to those of the others, which are written first */
} ep_quads_riscv;

/* Results of all channels. The pointers of q move on. */
void ep_quads_s8_riscv(ep_quads_riscv *q);

EP_EXTERN_C_END
#endif
