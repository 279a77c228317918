#ifndef EP_FINISH_S8_H
#define EP_FINISH_S8_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t zero; /* output zero point, [-128, 127] */
    int32_t low;  /* fused clamp, [-128, high] */
    int32_t high;
} ep_output_s8;

/* Results of some channels at two positions, from their sums:
 * y = limit(ep_rescale(bias + sum, mult, shift) + zero)
 *
 * bias, mult int32 [count]
 * shift      int8  [count]; 64 less where an accumulator of this channel may reach 2^30
 * sums, y0   int32 and int8 [count]: the first position
 * sums1, y1  the second; may be the first again */
void ep_finish_s8(const ep_output_s8 *p, const int32_t *bias, const int32_t *mult,
                  const int8_t *shift, const int32_t *sums, const int32_t *sums1, int32_t count,
                  int8_t *y0, int8_t *y1);

EP_EXTERN_C_END
#endif
