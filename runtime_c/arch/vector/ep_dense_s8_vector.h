/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_DENSE_S8_VECTOR_H
#define EP_DENSE_S8_VECTOR_H

#include "ep_dense.h"

EP_EXTERN_C_BEGIN

/* ep_dense_s8 for compilers that vectorise.
 *
 * w       int8 [out_len][in_len]
 * scratch 2 * in_len bytes */
void ep_dense_s8_vector(const ep_dense_s8_params *p, const int8_t *w, const int32_t *bias,
                        const int32_t *mult, const int8_t *shift, const int8_t *x, void *scratch,
                        int8_t *y);

EP_EXTERN_C_END
#endif
