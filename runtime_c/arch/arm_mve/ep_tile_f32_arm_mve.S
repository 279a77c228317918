/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile_f32_arm_mve.h. Sums in q2 to q7, inputs in q0, weights in r4 to r9. */
#include "ep_arm_function.inc"

    .macro products count
    vldrw.u32 q0, [r0], #16
    .if \count == 6
    ldm r1!, {r4-r9}
    .elseif \count == 4
    ldm r1!, {r4-r7}
    .else
    ldr r4, [r1], #4
    .endif
    vfma.f32 q2, q0, r4
    .if \count >= 4
    vfma.f32 q3, q0, r5
    vfma.f32 q4, q0, r6
    vfma.f32 q5, q0, r7
    .endif
    .if \count == 6
    vfma.f32 q6, q0, r8
    vfma.f32 q7, q0, r9
    .endif
    .endm

    /* Two inputs of a pixel a round, the odd one first. */
    .macro tile name count last
FUNCTION \name
    push {r4-r9, lr}
    vpush {d8-d15}
    vldm r3, {d4-\last}
    lsrs r2, r2, #1
    bcc 1f
    products \count
1:
    wls lr, r2, 3f
2:
    products \count
    products \count
    le lr, 2b
3:
    vstm r3, {d4-\last}
    vpop {d8-d15}
    pop {r4-r9, pc}
END \name
    .endm

    tile ep_tile_six_f32_arm_mve 6 d15
    tile ep_tile_four_f32_arm_mve 4 d11
    tile ep_tile_one_f32_arm_mve 1 d5
