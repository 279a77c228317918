/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_copy_box.h"

#include "ep_copy_bytes.h"

void ep_copy_box(const ep_copy_box_params *p, const void *x, void *y)
{
    const uint8_t *const from = (const uint8_t *)x + p->x_start;
    uint8_t *const to = (uint8_t *)y;
    for (int32_t i = 0; i < p->y_size; i++) {
        to[i] = p->fill[i & (p->fill_bytes - 1)];
    }
    int32_t at[EP_BOX_AXES];
    for (int32_t i = 0; i < EP_BOX_AXES; i++) {
        at[i] = 0;
        EP_STAY();
    }
    int32_t source = 0, target = p->y_start;
    int32_t axis = 0;
    while (axis >= 0) {
        ep_copy_bytes(to + target, from + source, (size_t)p->bytes);
        for (axis = EP_BOX_AXES - 1; axis >= 0; axis--) {
            source += p->x_step[axis];
            target += p->y_step[axis];
            if (++at[axis] < p->size[axis]) {
                break;
            }
            source -= p->size[axis] * p->x_step[axis];
            target -= p->size[axis] * p->y_step[axis];
            at[axis] = 0;
        }
    }
}
