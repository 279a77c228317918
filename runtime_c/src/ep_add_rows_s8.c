/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_add_rows.h"

EP_WEAK void ep_add_rows_s8(const int8_t *x, int32_t count, int32_t inner, int32_t fresh,
                            int32_t *sums)
{
    for (int32_t k = 0; k < inner; k++) {
        const int8_t *from = x + k;
        int32_t sum = fresh != 0 ? 0 : sums[k];
        for (int32_t j = 0; j < count; j++, from += inner) {
            sum += *from;
        }
        sums[k] = sum;
    }
}
