#include "ep_unpack_s8.h"

#include <string.h>

void ep_pair_table_s8(const int8_t *values, int32_t kinds, int32_t tied, uint16_t *pairs)
{
    for (int32_t a = 0; a < kinds; a++) {
        const int32_t first = values[a];
        const int32_t less = tied != 0 && first < 0 ? 1 : 0;
        for (int32_t b = 0; b < kinds; b++) {
            const int8_t both[2] = {(int8_t)first, (int8_t)(values[b] - less)};
            memcpy(pairs++, both, sizeof both);
        }
    }
}
