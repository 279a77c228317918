#include "ep_dense_s8_avr.h"

/* In assembly, because gcc calls a function for it when it optimises for size. */
static inline int16_t product(int8_t a, int8_t b)
{
    int16_t ab;
    __asm__("muls %1, %2\n\tmovw %0, r0\n\tclr r1" : "=r"(ab) : "d"(a), "d"(b) : "r0");
    return ab;
}

/* A function of its own: four sums of four bytes fill half of the registers. */
EP_NOINLINE static void block(const int8_t *x, const __flash int8_t *w, uint16_t n, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int8_t *const end = x + n;
    while (x != end) {
        const int8_t v = *x++;
        a += product(v, *w++);
        b += product(v, *w++);
        c += product(v, *w++);
        d += product(v, *w++);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

EP_NOINLINE static int32_t one(const int8_t *x, const __flash int8_t *w, uint16_t n)
{
    int32_t sum = 0;
    const int8_t *const end = x + n;
    while (x != end) {
        sum += product(*x++, *w++);
    }
    return sum;
}

void ep_dense_s8_avr(const ep_dense_s8_params *p, const __flash int8_t *w,
                     const __flash int32_t *bias, const __flash int32_t *mult,
                     const __flash int8_t *shift, const int8_t *x, int8_t *y)
{
    const uint16_t in_len = (uint16_t)p->in_len, out_len = (uint16_t)p->out_len;
    for (uint16_t row = (uint16_t)p->rows; row != 0; row--) {
        const __flash int8_t *from = w;
        for (uint16_t o = 0; o < out_len;) {
            int32_t sums[EP_BLOCK];
            uint8_t count = EP_BLOCK;
            if (out_len - o >= EP_BLOCK) {
                block(x, from, in_len, sums);
            } else {
                sums[0] = one(x, from, in_len);
                count = 1;
            }
            from += (uint16_t)(count * in_len);
            for (uint8_t i = 0; i < count; i++, o++) {
                /* The sum may wrap on its way to a result that does not. */
                const int32_t acc = (int32_t)((uint32_t)bias[o] + (uint32_t)sums[i]);
                const int32_t v = ep_rescale_once(acc, mult[o], shift[o]) + p->y_zero;
                *y++ = (int8_t)ep_limit(v, p->act_min, p->act_max);
            }
        }
        x += in_len;
    }
}
