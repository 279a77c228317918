/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_add_rows.h"

#include "ep_add_fours_arm_dsp.h"

void ep_add_rows_s8(const int8_t *x, int32_t count, int32_t inner, int32_t fresh, int32_t *sums)
{
    int32_t k = 0;
    for (int32_t i = 0; i < inner && fresh != 0; i++) {
        sums[i] = 0;
    }
    for (; k + 4 <= inner; k += 4) {
        ep_add_fours(x + k, count, inner, sums + k);
    }
    for (; k < inner; k++) {
        for (int32_t j = 0; j < count; j++) {
            sums[k] += x[j * inner + k];
        }
    }
}
