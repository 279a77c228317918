/* SPDX-License-Identifier: Apache-2.0 */
/* Whole blocks of channels from inputs to results, for layers whose channels all rescale alike. */
#ifndef EP_STRIP_H
#define EP_STRIP_H

#include "ep_finish.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t count; /* channels, a multiple of EP_BLOCK; 0: none */
    int32_t n;     /* inputs of a position, or its taps; > 0 */
    int32_t step;  /* from tap to tap */
    int32_t next;  /* from the inputs of the first position to those of the second */
    int32_t pitch; /* from its results to those of the second */
    int32_t zero;  /* output zero point */
    const int32_t *bias;
    const int32_t *mult;
    const int8_t *shift;
} ep_strip_s8;

static inline ep_strip_s8 ep_strip_of(const ep_finish *f, int32_t first, int32_t channels)
{
    const int32_t count = f->output.quick != 0 ? channels & ~(EP_BLOCK - 1) : 0;
    const ep_strip_s8 s = {
        count, 0, 0, 0, 0, f->output.zero, f->bias + first, f->mult + first, f->shift + first};
    return s;
}

EP_EXTERN_C_END
#endif
