/* SPDX-License-Identifier: Apache-2.0 */
/* ep_add_s16_arm_mve.h: four elements at a time, the last ones predicated. One is taken from what is negative
 * and shifted: halves round away from zero. */
#include "ep_arm_function.inc"

    .set P_SIGN, 20

FUNCTION ep_add_s16_arm_mve
    push {r4-r8, lr}
    vpush {d8-d11}
    add r4, r0, #P_SIGN
    ldm r4, {r4, r5, r6}
    vdup.32 q3, r4
    vdup.32 q4, r5
    vdup.32 q5, r6
    ldm r0, {r0, r5, r6, r7, r8} /* length, b_mult, b_shift, y_mult, y_shift */
    mov r4, r1 /* loads that widen take low registers */
    wlstp.32 lr, r0, 2f
1:
    vldrh.s32 q1, [r2], #8
    vshl.i32 q1, q1, #15
    vldrh.s32 q0, [r4], #8
    vqrdmulh.s32 q1, q1, r5
    vshl.i32 q0, q0, #14
    vshl.u32 q2, q1, q3
    vsub.i32 q1, q1, q2
    vrshl.s32 q1, r6
    vadd.i32 q0, q0, q1
    vqrdmulh.s32 q0, q0, r7
    vshr.u32 q2, q0, #31
    vsub.i32 q0, q0, q2
    vrshl.s32 q0, r8
    vmax.s32 q0, q0, q4
    vmin.s32 q0, q0, q5
    vstrh.32 q0, [r3], #8
    letp lr, 1b
2:
    vpop {d8-d11}
    pop {r4-r8, pc}
END ep_add_s16_arm_mve
