/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over the rows of four channels. */
#ifndef EP_ADD_FOURS_ARM_DSP_H
#define EP_ADD_FOURS_ARM_DSP_H

#include "ep_arm_dsp_common.h"

enum { EP_LONGEST = 255 }; /* sums of so many int8 fit into int16 */

/* sums[c] += x[c] of count elements, `inner` bytes from one to the next; four channels c. */
static inline void ep_add_fours(const int8_t *x, int32_t count, int32_t inner, int32_t sums[4])
{
    while (count > 0) {
        const int32_t part = count < EP_LONGEST ? count : EP_LONGEST;
        uint32_t even = 0;
        uint32_t odd = 0;
        for (int32_t i = part; i > 0; i--, x += inner) {
            const uint32_t word = ep_load4(x);
            even = ep_add_even_bytes(even, word);
            odd = ep_add_odd_bytes(odd, word);
        }
        sums[0] += (int16_t)even;
        sums[1] += (int16_t)odd;
        sums[2] += (int16_t)(even >> 16);
        sums[3] += (int16_t)(odd >> 16);
        count -= part;
    }
}

#endif
