/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_FINISH_S8_AVR_H
#define EP_FINISH_S8_AVR_H

#include "ep_common.h"

/* ep_finish with its arrays in flash. */
typedef struct {
    int8_t zero; /* output zero point */
    int8_t low;  /* fused clamp */
    int8_t high;
    uint8_t once; /* 1: rounded once, as dense layers are */
    const __flash int32_t *bias;
    const __flash int32_t *mult;
    const __flash int8_t *shift; /* 64 less where an accumulator of the channel may reach 2^30 */
} ep_finish_avr;

/* Results of the channels o to o + count of one position, as ep_finish_s8 and ep_dense_s8 have them.
 *
 * sums int32 [count]
 * y    int8  [count] */
void ep_finish_s8_avr(const ep_finish_avr *f, uint16_t o, uint8_t count, const int32_t *sums, int8_t *y);

#endif
