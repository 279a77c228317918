/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_SOFTMAX_TABLE_S8_S16_H
#define EP_SOFTMAX_TABLE_S8_S16_H

#include "ep_softmax_table_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_softmax_table_s8_params ep_softmax_table_s8_s16_params;

/* ep_softmax_table_s8 with a result of int16: y has scale 1/65536 and zero point -32768; it may not
 * be x. */
void ep_softmax_table_s8_s16(const ep_softmax_table_s8_s16_params *p, const int8_t *x,
                             void *scratch, int16_t *y);

EP_EXTERN_C_END
#endif
