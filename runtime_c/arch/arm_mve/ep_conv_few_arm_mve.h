/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels of up to sixteen inputs, in assembly: the weights of four channels stay in registers. */
#ifndef EP_CONV_FEW_ARM_MVE_H
#define EP_CONV_FEW_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    const int8_t *x; /* pixels, 16 bytes apart */
    int32_t pixels;  /* at least 1 */
    int8_t *y;
    int32_t y_step;   /* from the results of a pixel to those of the next */
    int32_t y_zero;   /* -128, and the least result */
    int32_t in_len;   /* 1 to 16 */
    const int8_t *w;  /* as ep_conv_line_arm_mve has them, and */
    const int32_t *table;
    const int32_t *table_end; /* at least a block behind the table */
} ep_conv_few;

/* Results of all blocks of four channels, one block for all pixels, then the next. */
void ep_conv_few_arm_mve(const ep_conv_few *p);

#endif
