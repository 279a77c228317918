#include "ep_common.h"
/* y[o] = the low byte of sum_i w[o][i] * x[i] */
void ep_sum_s8(const int8_t *w, const int16_t *x, int32_t n_in, int32_t n_out, int8_t *y);
