/* SPDX-License-Identifier: Apache-2.0 */
/* One axis of an image under a sliding window. */
#ifndef EP_AXIS_ARM_MVE_H
#define EP_AXIS_ARM_MVE_H

#include "ep_common.h"

typedef struct {
    int32_t in;      /* positions of the input */
    int32_t in_step; /* bytes from one to the next */
    int32_t out;     /* positions of the output */
    int32_t out_step;
    int32_t kernel;
    int32_t stride;
    int32_t dilation;
    int32_t pad; /* before the first */
} ep_axis;

/* Places that are gathered for some pixels which share them: those before the input, those inside. */
typedef struct {
    int32_t position; /* of the input, of the first one inside */
    int32_t before;
    int32_t inside;
    int32_t after;
} ep_span;

/* Of `count` pixels from j, neighbours of which are `step` places apart. */
static inline ep_span ep_span_of(const ep_axis *a, int32_t j, int32_t count, int32_t step)
{
    const int32_t first = j * a->stride - a->pad;
    const int32_t places = (count - 1) * step + a->kernel;
    const int32_t before = ep_limit(-first, 0, places);
    const int32_t end = ep_limit(a->in - first, before, places);
    const ep_span span = {first + before, before, end - before, places - end};
    return span;
}


#endif
