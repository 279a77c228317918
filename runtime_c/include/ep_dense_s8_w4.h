#ifndef EP_DENSE_S8_W4_H
#define EP_DENSE_S8_W4_H

#include "ep_dense_s8.h"

EP_EXTERN_C_BEGIN

typedef ep_dense_s8_params ep_dense_s8_w4_params;

/* ep_dense_s8 with weights of four bits, two a byte, the lower half first, filled up with zeros to
 * whole blocks. */
void ep_dense_s8_w4(const ep_dense_s8_params *p, const uint8_t *w, const int32_t *bias,
                    const int32_t *mult, const int8_t *shift, const int8_t *x, int8_t *y);

EP_EXTERN_C_END
#endif
