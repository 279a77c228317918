/* SPDX-License-Identifier: Apache-2.0 */
/* ep_rows_f32_arm_mve.h */
#include "ep_arm_function.inc"

    .macro result operation
    \operation q0, q0, q1
    vmaxnm.f32 q0, q0, q2
    vminnm.f32 q0, q0, q3
    vstrw.32 q0, [r3], #16
    .endm

    .macro row name operation
FUNCTION \name
    push {r4, lr}
    ldr r4, [sp, #8]
    ldr r12, [r4]
    vdup.32 q2, r12
    ldr r12, [r4, #4]
    vdup.32 q3, r12
    ldr r4, [sp, #12]
    cbnz r4, 2f
    dlstp.32 lr, r2
1:
    vldrw.u32 q0, [r0], #16
    vldrw.u32 q1, [r1], #16
    result \operation
    letp lr, 1b
    pop {r4, pc}
2:
    ldr r4, [r1]
    vdup.32 q1, r4
    dlstp.32 lr, r2
3:
    vldrw.u32 q0, [r0], #16
    result \operation
    letp lr, 3b
    pop {r4, pc}
END \name
    .endm

    row ep_add_row_f32_arm_mve vadd.f32
    row ep_mul_row_f32_arm_mve vmul.f32
