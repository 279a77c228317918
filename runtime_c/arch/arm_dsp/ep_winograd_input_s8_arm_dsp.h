/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_WINOGRAD_INPUT_S8_ARM_DSP_H
#define EP_WINOGRAD_INPUT_S8_ARM_DSP_H

#include <stdint.h>

/* One row of tiles of ep_winograd_s8_arm_dsp.h, in the order in which the code has it on its stack. */
typedef struct {
    const int8_t *upper;         /* first two rows of input, with their border */
    const int8_t *lower;         /* the two below */
    int32_t next;                /* bytes from the first row to the second of either */
    int32_t depth;               /* bytes of a pixel */
    uint32_t *columns;           /* working memory: [2 * tiles + 2][8] */
    const uint32_t *columns_end; /* behind it */
    uint32_t *v;                 /* the row's tiles of position 0 and the first pair of channels */
    int32_t position;            /* bytes in v from one position to the next */
    int32_t pair;                /* and from one pair of channels to the next */
    int32_t words;               /* fours of channels */
} ep_winograd_input;

/* B' d B of every tile of the row and all its channels, position by position. */
void ep_winograd_input_s8_arm_dsp(const ep_winograd_input *input);

#endif
