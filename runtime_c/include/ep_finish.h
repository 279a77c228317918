/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_FINISH_H
#define EP_FINISH_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t zero; /* output zero point, [-128, 127] */
    int32_t low;  /* fused clamp, [-128, high] */
    int32_t high;
    int32_t quick; /* 1: no clamp, and every channel's shift is in [-22, -1] */
} ep_output_s8;

/* What turns the sums of a layer into its results. */
typedef struct {
    ep_output_s8 output;
    const int32_t *bias; /* of every channel */
    const int32_t *mult;
    const int8_t *shift; /* 64 less where an accumulator of the channel may reach 2^30 */
} ep_finish;

/* Results of the channels o to o + count: y = limit(ep_rescale(bias + sum, mult, shift) + zero)
 *
 * count of channels, > 0
 * sums  int32 [count] of one position; with pitch, [2][EP_BLOCK] of two
 * y     int8  [count], and at y + pitch those of the second position; pitch 0: there is none */
void ep_finish_s8(const ep_finish *f, int32_t o, int32_t count, const int32_t *sums, int8_t *y,
                  int32_t pitch);

/* The same for channels of any shift, where ep_finish_s8 may be in assembly. */
#if defined(__ARM_ARCH_6M__) && EP_UNROLL
#define EP_FINISH_QUICKLY 1
void ep_finish_any_s8(const ep_finish *f, int32_t o, int32_t count, const int32_t *sums, int8_t *y,
                      int32_t pitch);
#else
#define EP_FINISH_QUICKLY 0
#endif

/* What turns the sums of a layer into its results: a bias of 64 bits, a multiplier of 16. */
typedef struct {
    ep_output_s8 output; /* quick: every bias + sum is in int32, and every shift in [17, 47] */
    const int64_t *bias; /* of every channel */
    const int32_t *mult; /* [2^14, 2^15) */
    const int8_t *shift; /* to the right, [1, 62] */
} ep_finish_wide;

/* Results of the channels o to o + count: y = limit(((bias + sum) * mult + half) >> shift)
 *
 * count of channels, > 0
 * sums  int32 [count] of one position; with pitch, [2][EP_BLOCK] of two
 * y     int16 [count], and at y + pitch those of the second position; pitch 0: there is none */
void ep_finish_s16(const ep_finish_wide *f, int32_t o, int32_t count, const int32_t *sums,
                   int16_t *y, int32_t pitch);

EP_EXTERN_C_END
#endif
