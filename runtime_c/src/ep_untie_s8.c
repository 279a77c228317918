/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack.h"

void ep_untie_s8(int8_t *w, int32_t n)
{
    for (; n >= 2; n -= 2) {
        w[1] = (int8_t)(w[1] + (w[0] < 0 ? 1 : 0));
        w += 2;
    }
}
