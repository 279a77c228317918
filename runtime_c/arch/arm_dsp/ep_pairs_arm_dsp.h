/* The form of ep_arm_dsp_tile.h for pairs of channels that was not made by the compiler. */
#ifndef EP_PAIRS_ARM_DSP_H
#define EP_PAIRS_ARM_DSP_H

#include <stdint.h>

/* Pairs of weights (A, B) become (A, B - (A < 0)), which must be int8.
 *
 * w  n bytes, even, aligned to 4 */
void ep_pairs_arm_dsp(int8_t *w, int32_t n);

#endif
