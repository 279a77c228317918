#include "ep_dense_s8.h"

/* sum_i x[i] * w[i][c] for a block of channels. */
static void dot_block(const int8_t *x, const uint8_t *w, int32_t n, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int8_t *const end = x + n;
    for (; x != end; x++, w += EP_BLOCK) {
        const int32_t v = x[0];
        a += v * w[0];
        b += v * w[1];
        c += v * w[2];
        d += v * w[3];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

static int32_t dot(const int8_t *x, const uint8_t *w, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i] * w[i];
    }
    return sum;
}

void ep_dense_s8(const ep_dense_s8_params *p, const uint8_t *w, const int32_t *bias,
                 const int32_t *mult, const int8_t *shift, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t offset = 0;
        for (int32_t i = 0; i < p->in_len; i++) {
            offset += x[i];
        }
        offset *= p->w_zero;
        const uint8_t *weights = w;
        int32_t o = 0;
        while (o < p->out_len) {
            int32_t sums[EP_BLOCK];
            int32_t n = EP_BLOCK;
            if (p->out_len - o >= EP_BLOCK) {
                dot_block(x, weights, p->in_len, sums);
            } else {
                sums[0] = dot(x, weights, p->in_len);
                n = 1;
            }
            weights += n * p->in_len;
            for (int32_t i = 0; i < n; i++, o++) {
                const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sums[i] - (uint32_t)offset);
                const int32_t v = ep_rescale_once(acc, mult[o], shift[o]) + p->y_zero;
                *y++ = (int8_t)ep_limit(v, p->act_min, p->act_max);
            }
        }
        x += p->in_len;
    }
}
