/* SPDX-License-Identifier: Apache-2.0 */
/* Some positions of a row times all channels of a depthwise convolution. */
#ifndef EP_TAPS_RUN_S8_RISCV_H
#define EP_TAPS_RUN_S8_RISCV_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    const int8_t *x; /* first tap of the first position */
    const int8_t *w; /* [taps][EP_BLOCK], those of four channels behind those of others */
    const int32_t *bias;
    const int32_t *mult;
    const int8_t *shift; /* in [-22, -1] */
    int32_t zero;        /* output zero point */
    int32_t low;         /* fused clamp */
    int32_t high;
    int8_t *y;     /* results of the first position */
    int8_t *last;  /* where they end, a multiple of four */
    int32_t taps;  /* bytes of the weights of four channels */
    int32_t step;  /* from a tap to the next one */
    int32_t next;  /* from the inputs of a position to those of the next one */
    int32_t pitch; /* from the results of a position to those of the next one */
} ep_taps_run_riscv;

/* Results of all channels at four positions, or at one. The pointers of r move on. */
void ep_taps_four_s8_riscv(ep_taps_run_riscv *r);
void ep_taps_one_s8_riscv(ep_taps_run_riscv *r);

EP_EXTERN_C_END
#endif
