/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_S8_RISCV_H
#define EP_DENSE_S8_RISCV_H

#include "ep_dense.h"

EP_EXTERN_C_BEGIN

/* As ep_dense_s8, bit for bit, two multiplications an instruction, where no accumulator
 * (bias plus sum of products) reaches 2^30.
 *
 * w       as ep_eights_riscv has them: inputs and channels filled up with zeros to eights
 * runs    likewise
 * shift   in [-22, -1]
 * scratch a byte for each input, rounded up to eights; twice that where it was */
void ep_dense_s8_riscv(const ep_dense_s8_params *p, const int32_t *w, const uint8_t *runs,
                       const int32_t *bias, const int32_t *mult, const int8_t *shift, const int8_t *x,
                       void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
