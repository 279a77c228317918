/* SPDX-License-Identifier: Apache-2.0 */
/* All channels of a dense layer, two multiplications an instruction. */
#ifndef EP_EIGHTS_S8_RISCV_H
#define EP_EIGHTS_S8_RISCV_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* The weights a, b, c, d of four channels lie as bytes of a word, 128 added to each; a layer has eight
 * channels after eight, and of each block two words for every input. A word without its odd bytes is
 *
 *     a + c * 2^16, and it shifted right by a byte is b + c * 2^8 + d * 2^16
 *
 * beside what was added. An input times either makes two products of 16 bits and, in the second, c's, which
 * the first tells. Products of eight inputs are added before sums are taken apart, where the magnitudes of the
 * eight weights do not exceed 255 together in any channel; elsewhere those of two, of which both must not be
 * -128. Runs say, for each eight channels, how many eights are added up as such, then comes one that goes by
 * twos, and so on until there are none left: the last run ends there, or is 0. */
typedef struct {
    const int8_t *x;     /* a multiple of eight inputs */
    const int8_t *end;   /* of x */
    const int32_t *sums; /* of each eight inputs what 128 in the first and in the second adds, less 2^15 */
    const int32_t *w;
    const uint8_t *runs;
    const int32_t *bias;
    const int32_t *mult;
    const int8_t *shift; /* in [-22, -1] */
    int32_t zero;        /* output zero point */
    int32_t low;         /* fused clamp */
    int32_t high;
    int8_t *y;
    int8_t *last; /* where results end */
} ep_eights_riscv;

/* Results of all channels, of which no accumulator reaches 2^30: it is doubled. The pointers of e move on. */
void ep_eights_s8_riscv(ep_eights_riscv *e);

EP_EXTERN_C_END
#endif
