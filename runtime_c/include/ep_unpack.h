/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of few values: codes from flash become the int8 that the kernels read, two at a time. */
#ifndef EP_UNPACK_H
#define EP_UNPACK_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* pairs[a * kinds + b] = {values[a], values[b]} as they lie in memory; tied: what ep_arm_dsp_tile.h
 * reads, {A, B - (A < 0)}, which must be int8.
 *
 * values int8   [kinds]
 * pairs  uint16 [kinds * kinds] */
void ep_pair_table_s8(const int8_t *values, int32_t kinds, int32_t tied, uint16_t *pairs);

/* n tied weights from an even place on as they are. */
void ep_untie_s8(int8_t *w, int32_t n);

/* to[i], to[i + 1] = pairs[codes i and i + 1] for n codes, n > 0, and for those that fill the last
 * group. The place in pairs is one number, here p.
 *
 * to     int8 [n rounded up to whole groups], aligned to 4; may not overlap the others */

/* Groups of 8, in words: p of eight bits, the first in the lowest. */
void ep_unpack4_s8(const uint32_t *codes, int32_t n, const uint16_t *pairs, int8_t *to);

/* Groups of 8, in three bytes: p of six bits, the first in the lowest. */
void ep_unpack3_s8(const uint8_t *codes, int32_t n, const uint16_t *pairs, int8_t *to);

/* Groups of 16, in words: p of four bits, the first in the lowest. */
void ep_unpack2_s8(const uint32_t *codes, int32_t n, const uint16_t *pairs, int8_t *to);

/* Groups of 10, five in a byte: a fraction of 256 whose first digits to base 3 they are. */
void ep_unpack_ternary_s8(const uint8_t *codes, int32_t n, const uint16_t *pairs, int8_t *to);

EP_EXTERN_C_END
#endif
