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

#endif
