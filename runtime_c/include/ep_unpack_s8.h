/* Weights of few values: codes from flash become the int8 that the kernels read. */
#ifndef EP_UNPACK_S8_H
#define EP_UNPACK_S8_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* to[i] = values[code i] for n codes, n > 0, and for those that fill the last group.
 *
 * values int8 [16], [8], [3] or [4]
 * to     int8 [n rounded up to whole groups]; may not overlap the others */

/* Groups of 8, in words, the first in the lowest four bits. */
void ep_unpack4_s8(const uint32_t *codes, int32_t n, const int8_t *values, int8_t *to);

/* Groups of 8, in three bytes, the first in the lowest three bits. */
void ep_unpack3_s8(const uint8_t *codes, int32_t n, const int8_t *values, int8_t *to);

/* Groups of 16, in words, the first in the lowest two bits. */
void ep_unpack2_s8(const uint32_t *codes, int32_t n, const int8_t *values, int8_t *to);

/* Groups of 5, in a byte: a fraction of 256 whose first five digits to base 3 they are. */
void ep_unpack_ternary_s8(const uint8_t *codes, int32_t n, const int8_t *values, int8_t *to);

EP_EXTERN_C_END
#endif
