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
    int32_t pad; /* before the first; negative in parts of a dilated axis that begin later */
} ep_axis;

/* Places that are gathered for some pixels which share them: those before the input, those inside. */
typedef struct {
    int32_t position; /* of the input, of the first one inside */
    int32_t before;
    int32_t inside;
    int32_t after;
} ep_span;

/* Of `count` pixels from j; the dilation is 1. */
static inline ep_span ep_span_of(const ep_axis *a, int32_t j, int32_t count)
{
    const int32_t first = j * a->stride - a->pad;
    const int32_t places = (count - 1) * a->stride + a->kernel;
    const int32_t before = ep_limit(-first, 0, places);
    const int32_t end = ep_limit(a->in - first, before, places);
    const ep_span span = {first + before, before, end - before, places - end};
    return span;
}

/* The part of an undilated axis that output positions phase, phase + dilation and so on are, over
 * every so many positions of the input; *x and *y are moved to its first ones. */
static inline ep_axis ep_phase_of(const ep_axis *a, int32_t phase, const int8_t **x, int8_t **y)
{
    const int32_t step = a->dilation;
    const int32_t first = phase * a->stride - a->pad;
    const int32_t left = first % step;
    const int32_t at = left < 0 ? left + step : left;
    const ep_axis part = {(a->in - at + step - 1) / step, a->in_step * step,
                          (a->out - phase + step - 1) / step, a->out_step * step, a->kernel,
                          a->stride, 1, (at - first) / step};
    *x += at * a->in_step;
    *y += phase * a->out_step;
    return part;
}

#endif
