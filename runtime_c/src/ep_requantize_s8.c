#include "ep_requantize_s8.h"

void ep_requantize_s8(const ep_requantize_s8_params *p, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const int32_t v = ep_rescale(x[i] - p->x_zero, p->mult, p->shift) + p->y_zero;
        y[i] = (int8_t)ep_limit(v, p->act_min, p->act_max);
    }
}
