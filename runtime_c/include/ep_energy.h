/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_ENERGY_H
#define EP_ENERGY_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* Squared magnitudes of the real Fourier transform of 2^(bits + 1) samples, divided by as many:
 * KISS FFT's integers (FIXED_POINT=16), with stages of radix 4, the first of radix 2 where bits is
 * odd. n = 2^bits, bits in [2, 11].
 *
 * roots    int16 [3 n / 4 + n / 2][2] in Q0.15: (cos, sin) of -2 pi k / n for k < 3 n / 4, then of
 *                -pi (k / n + 1 / 2) for 1 <= k <= n / 2
 * samples  int16 [2 n], aligned to 4
 * points   int16 [2 n], working memory
 * first, last  the energies that are computed; the others become 0
 * energies uint32 [n + 1]; may be where samples are */
void ep_energy_s16(int32_t bits, const int16_t *roots, const int16_t *samples, int16_t *points,
                   int32_t first, int32_t last, uint32_t *energies);

EP_EXTERN_C_END
#endif
