#include "ep_mean_s8.h"

void ep_mean_s8(const ep_mean_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t k = 0; k < p->inner; k++) {
            int32_t sum = 0;
            const int8_t *from = x + k;
            for (int32_t j = 0; j < p->count; j++, from += p->inner) {
                sum += *from;
            }
            const int32_t v = ep_rescale(sum - p->offset, p->mult, p->shift) + p->y_zero;
            *y++ = (int8_t)ep_limit(v, -128, 127);
        }
        x += p->count * p->inner;
    }
}
