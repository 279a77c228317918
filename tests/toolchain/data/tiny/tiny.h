#ifndef TINY_H
#define TINY_H
#include "ep_common.h"
#define TINY_ARENA_BYTES 64u
#define TINY_INPUT_BYTES 16u
#define TINY_OUTPUT_BYTES 4u
ep_status tiny_run(void *arena, size_t arena_bytes, const int8_t *input, int8_t *output);
#endif
