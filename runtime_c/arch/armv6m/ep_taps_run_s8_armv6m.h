/* SPDX-License-Identifier: Apache-2.0 */
/* Some positions of a row times all channels of a depthwise convolution. */
#ifndef EP_TAPS_RUN_S8_ARMV6M_H
#define EP_TAPS_RUN_S8_ARMV6M_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

#define EP_RUN_MOST 5 /* positions */

typedef struct {
    const int8_t *x; /* first tap of the first position */
    const int8_t *w; /* taps of one channel behind those of another */
    const int32_t *bias;
    const int32_t *mult;
    const int8_t *shift; /* in [-22, -1] */
    int32_t rounding;    /* 2 * zero + 1 */
    int8_t *y;           /* results of the first position */
    int8_t *last;        /* where they end */
    int32_t taps;
    int32_t next;  /* from the inputs of a position to those of the next one */
    int32_t back;  /* from a tap of the last position to the next tap of the first one */
    int32_t pitch; /* from the results of a position to those of the next one */
    int32_t count; /* positions, [1, EP_RUN_MOST] */
} ep_taps_run;

/* Results of all channels. The pointers of r move on. */
void ep_taps_run_s8_armv6m(ep_taps_run *r);

EP_EXTERN_C_END
#endif
