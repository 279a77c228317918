/* SPDX-License-Identifier: Apache-2.0 */
/* Short scales and biases, three bytes a channel in flash, become what the kernels rescale with. */
#ifndef EP_RESCALE_H
#define EP_RESCALE_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* rows: three bytes a channel. In the first, five bits f and above them three bits e: the scale is
 * unit * (32 + f) * 2^e, of which the multiplier has the 31 bits in front. The others are a bias,
 * its low byte first, that is shifted left by up. */
typedef struct {
    uint32_t unit; /* [2^25, 2^26) */
    int16_t n;     /* channels */
    int16_t block; /* channels that lie side by side in what is written, [1, n] */
    int8_t shift;  /* of a multiplier where e is 0 */
    uint8_t up;    /* bits */
    int8_t ahead;  /* ep_rescale_table_s8: added to the shifts of odd channels */
    uint8_t tied;  /* ep_rescale_table_s8: odd channels' biases are a + 256 * b */
} ep_rescale_s8_params;

#define EP_SHORT_BYTES 3

static inline int32_t ep_short_bias(const uint8_t *row, uint32_t up)
{
    return (int16_t)(uint16_t)(row[1] | (uint32_t)row[2] << 8) * ((int32_t)1 << up);
}

/* The multiplier of a code, in [2^30, 2^31); how far it is to the left is added to shift. */
static inline uint32_t ep_short_mult(uint32_t unit, uint32_t code, int32_t *shift)
{
    const uint32_t mult = unit * (32u + (code & 31u));
    *shift = (int32_t)(code >> 5) + (int32_t)(mult >> 31);
    return mult >> (mult >> 31);
}

/* Block by block: bias int32 [block], mult int32 [block], shift int8 [block], or of a block of one
 * as int32: bit 0 is to the left. Channels that fill no block are blocks of one.
 *
 * to  int32, aligned; may not overlap rows */
void ep_rescale_s8(const ep_rescale_s8_params *p, const uint8_t *rows, int32_t *to);

/* Block by block: bias int32 [block], {mult, shift} int32 [block][2]: shifts are to the right.
 * Channels that fill no block are blocks of one.
 *
 * to  int32 [n][3], aligned; may not overlap rows */
void ep_rescale_table_s8(const ep_rescale_s8_params *p, const uint8_t *rows, int32_t *to);

EP_EXTERN_C_END
#endif
