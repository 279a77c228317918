#include "ep_pairs_arm_dsp.h"

#include "ep_arm_dsp_common.h"

void ep_pairs_arm_dsp(int8_t *w, int32_t n)
{
    ep_word *at = (ep_word *)(void *)w;
    for (int32_t words = n / 4; words > 0; words--) {
        const uint32_t word = *at;
        uint32_t pairs;
        __asm__("usub8 %0, %1, %2" : "=r"(pairs) : "r"(word), "r"(word << 1 & 0x01000100u));
        *at++ = pairs;
    }
    if (n % 4 != 0) {
        w[n - 1] = (int8_t)(w[n - 1] + (w[n - 2] >> 7));
    }
}
