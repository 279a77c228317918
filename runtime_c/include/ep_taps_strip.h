/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_TAPS_STRIP_H
#define EP_TAPS_STRIP_H

#include "ep_strip.h"

EP_EXTERN_C_BEGIN

/* Results of s->count channels at two positions; as ep_taps_pair_s8 and ep_finish_s8,
 * block by block.
 *
 * x int8 [n taps, step bytes apart][count], and at x + next those of the second position
 * w int8 [count / EP_BLOCK][n][EP_BLOCK]
 * y int8 [count], and at y + pitch */
void ep_taps_strip_s8(const ep_strip_s8 *s, const int8_t *x, const int8_t *w, int8_t *y);

EP_EXTERN_C_END
#endif
