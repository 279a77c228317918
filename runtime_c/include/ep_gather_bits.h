/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_GATHER_BITS_H
#define EP_GATHER_BITS_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t rows;
    int32_t in_len; /* elements of a row of x */
} ep_gather_bits_s8_params;

/* y holds the elements of every row of x whose bit is set, in their order: element i's is bit i % 8
 * of kept[i / 8], the lowest bit being bit 0.
 *
 * kept uint8 [(in_len + 7) / 8]; bits behind the row are 0
 * x    int8  [rows][in_len]
 * y    int8  [rows][set bits]; may be x */
void ep_gather_bits_s8(const ep_gather_bits_s8_params *p, const uint8_t *kept, const int8_t *x,
                       int8_t *y);

typedef ep_gather_bits_s8_params ep_gather_bits_s16_params;

/* ep_gather_bits_s8 for int16. */
void ep_gather_bits_s16(const ep_gather_bits_s16_params *p, const uint8_t *kept, const int16_t *x,
                        int16_t *y);

typedef ep_gather_bits_s8_params ep_gather_bits_f32_params;

/* ep_gather_bits_s8 for float. */
void ep_gather_bits_f32(const ep_gather_bits_f32_params *p, const uint8_t *kept, const float *x,
                        float *y);

EP_EXTERN_C_END
#endif
