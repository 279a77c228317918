/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of ep_dense_s8_arm_mve, in assembly. */
#ifndef EP_DENSE_BLOCKS_ARM_MVE_H
#define EP_DENSE_BLOCKS_ARM_MVE_H

#include "ep_common.h"

/* The assembly knows the order of these. */
typedef struct {
    int32_t mult; /* shared by all channels */
    int32_t shift;
    int32_t y_zero;
    int32_t spare;
    const int8_t *x;
    int32_t rounds; /* 4 * (in_len / 32), less 1 if sixteen more follow, less 2 if a tail does */
    int32_t tail;   /* in_len % 16 */
    int32_t spare2;
    const int8_t *w;
    int8_t *y;
    const int32_t *table;
    int8_t *y_end; /* behind the last block */
    int32_t act_min;
    int32_t act_max;
} ep_dense_blocks;

/* One row of all blocks of 8 channels; at least one. */
void ep_dense_blocks_arm_mve(const ep_dense_blocks *b);        /* multipliers in the table */
void ep_dense_blocks_shared_arm_mve(const ep_dense_blocks *b); /* one multiplier */

#endif
