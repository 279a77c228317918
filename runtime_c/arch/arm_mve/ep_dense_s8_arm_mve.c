/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_dense_s8_arm_mve.h"

#include "ep_arm_mve_common.h"
#include "ep_dense_blocks_arm_mve.h"

#define BLOCK 8
#define LANES 16

/* Words of a block's part of the table. */
#define WORDS_SHARED 8
#define WORDS (WORDS_SHARED + 10)

/* Inlined, so that of the two forms of the blocks only the one in use is linked. */
static inline __attribute__((always_inline)) void
rows(const ep_dense_s8_arm_mve_params *p, const int8_t *w, const int32_t *table, const int8_t *x,
     int8_t *y, int shared)
{
    const int32_t n = p->in_len;
    const int32_t blocked = p->out_len / BLOCK * BLOCK;
    const int8_t *const w_single = w + blocked * n;
    const int32_t *const singles = table + blocked / BLOCK * (shared ? WORDS_SHARED : WORDS);
    for (int32_t row = 0; row < p->rows; row++) {
        if (blocked > 0) {
            const int32_t tail = n % LANES;
            const int32_t rounds = n / (2 * LANES) * 4 - n / LANES % 2 - (tail > 0 ? 2 : 0);
            const ep_dense_blocks b = {p->mult, p->shift, p->y_zero, 0, x, rounds, tail, 0, w, y,
                                       table, y + blocked, p->act_min, p->act_max};
            if (shared) {
                ep_dense_blocks_shared_arm_mve(&b);
            } else {
                ep_dense_blocks_arm_mve(&b);
            }
            y += blocked;
        }
        const int8_t *weights = w_single;
        const int32_t *constants = singles;
        for (int32_t o = blocked; o < p->out_len; o++) {
            const int32_t acc = ep_arm_mve_dot(constants[0], x, weights, n);
            const int32_t v = ep_rescale_once(acc, constants[1], constants[2]) + p->y_zero;
            *y++ = (int8_t)ep_limit(v, p->act_min, p->act_max);
            weights += n;
            constants += 3;
        }
        x += n;
    }
}

void ep_dense_s8_arm_mve(const ep_dense_s8_arm_mve_params *p, const int8_t *w,
                         const int32_t *table, const int8_t *x, int8_t *y)
{
    rows(p, w, table, x, y, 0);
}

void ep_dense_shared_s8_arm_mve(const ep_dense_s8_arm_mve_params *p, const int8_t *w,
                                const int32_t *table, const int8_t *x, int8_t *y)
{
    rows(p, w, table, x, y, 1);
}
