#include "ep_sum_s8.h"

void ep_sum_s8(const int8_t *w, const int16_t *x, int32_t n_in, int32_t n_out, int8_t *y)
{
    for (int32_t o = 0; o < n_out; o++) {
        int32_t sum = 0;
        for (int32_t i = 0; i < n_in; i++) {
            sum += *w++ * x[i];
        }
        y[o] = (int8_t)sum;
    }
}
