/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_FINISH_S16_H
#define EP_FINISH_S16_H

#include "ep_finish_s8.h"

EP_EXTERN_C_BEGIN

/* What turns the sums of a layer into its results: a bias of 64 bits, a multiplier of 16. */
typedef struct {
    ep_output_s8 output; /* quick: every bias + sum is in int32, and every shift in [17, 47] */
    const int64_t *bias; /* of every channel */
    const int32_t *mult; /* [2^14, 2^15) */
    const int8_t *shift; /* to the right, [1, 62] */
} ep_finish_wide;

/* Results of the channels o to o + count: y = limit(((bias + sum) * mult + half) >> shift)
 *
 * sums  int32 [count] of one position; with pitch, [2][EP_BLOCK] of two
 * y     int16 [count], and at y + pitch those of the second position; pitch 0: there is none */
void ep_finish_s16(const ep_finish_wide *f, int32_t o, int32_t count, const int32_t *sums,
                   int16_t *y, int32_t pitch);

EP_EXTERN_C_END
#endif
