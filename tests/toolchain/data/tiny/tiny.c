#include "tiny.h"
#include "ep_sum_s8.h"
#ifndef EP_PROFILE
#define EP_PROFILE(layer)
#endif

static const int8_t weights[4][16] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1},
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 127},
};

ep_status tiny_run(void *arena, size_t arena_bytes, const int8_t *input, int8_t *output)
{
    int16_t *doubled = arena;
    if (arena_bytes < TINY_ARENA_BYTES) {
        return EP_ARENA_SMALL;
    }
    EP_PROFILE(0);
    for (int i = 0; i < 16; i++) {
        doubled[i] = (int16_t)(2 * input[i]);
    }
    EP_PROFILE(1);
    ep_sum_s8(&weights[0][0], doubled, 16, 4, output);
    return EP_OK;
}
