/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_depthwise_conv2d_s8_arm_mve.h"

typedef ep_depthwise_conv2d_s8_arm_mve_params params;
typedef void undilated(const params *, const int8_t *, const int32_t *, const int8_t *,
                       const int8_t *, void *, int8_t *);

static EP_NOINLINE void phases(const params *p, const int8_t *w, const int32_t *table,
                               const int8_t *order, const int8_t *x, void *planes, int8_t *y,
                               undilated *of_one)
{
    params part = *p;
    for (int32_t i = 0; i < p->lines.dilation && i < p->lines.out; i++) {
        const int8_t *from = x;
        int8_t *to = y;
        part.lines = ep_phase_of(&p->lines, i, &from, &to);
        for (int32_t j = 0; j < p->pixels.dilation && j < p->pixels.out; j++) {
            const int8_t *first = from;
            int8_t *result = to;
            part.pixels = ep_phase_of(&p->pixels, j, &first, &result);
            of_one(&part, w, table, order, first, planes, result);
        }
    }
}

void ep_depthwise_conv2d_dilated_s8_arm_mve(const params *p, const int8_t *w, const int32_t *table,
                                            const int8_t *order, const int8_t *x, void *planes,
                                            int8_t *y)
{
    phases(p, w, table, order, x, planes, y, ep_depthwise_conv2d_s8_arm_mve);
}

void ep_depthwise_conv2d_dilated_pairs_s8_arm_mve(const params *p, const int8_t *w,
                                                  const int32_t *table, const int8_t *order,
                                                  const int8_t *x, void *planes, int8_t *y)
{
    phases(p, w, table, order, x, planes, y, ep_depthwise_conv2d_pairs_s8_arm_mve);
}

void ep_depthwise_conv2d_dilated_three_s8_arm_mve(const params *p, const int8_t *w,
                                                  const int32_t *table, const int8_t *order,
                                                  const int8_t *x, void *planes, int8_t *y)
{
    phases(p, w, table, order, x, planes, y, ep_depthwise_conv2d_three_s8_arm_mve);
}
