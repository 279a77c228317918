/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_add_rows_s8.h"

#include "ep_arm_dsp_common.h"

enum { LONGEST = 255 }; /* sums of so many int8 fit into int16 */

/* Four channels, `inner` bytes from one element to the next. */
static void add4(const int8_t *x, int32_t count, int32_t inner, int32_t *sums)
{
    while (count > 0) {
        const int32_t part = count < LONGEST ? count : LONGEST;
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

void ep_add_rows_s8(const int8_t *x, int32_t count, int32_t inner, int32_t fresh, int32_t *sums)
{
    int32_t k = 0;
    for (int32_t i = 0; i < inner && fresh != 0; i++) {
        sums[i] = 0;
    }
    for (; k + 4 <= inner; k += 4) {
        add4(x + k, count, inner, sums + k);
    }
    for (; k < inner; k++) {
        for (int32_t j = 0; j < count; j++) {
            sums[k] += x[j * inner + k];
        }
    }
}
