/* SPDX-License-Identifier: Apache-2.0 */
/* ep_mul_rows_s8_arm_mve.h: four elements at a time, the last ones of a row predicated.
 *
 * r0 1, r1 r2 operands, r3 output, r4 to r12 parameters in their order; q2 q3 clamp; rows that are left at sp. */
#include "ep_arm_function.inc"

    .equ CLAMP, 36
    .equ ROWS, 44

FUNCTION ep_mul_rows_s8_arm_mve
    push {r4-r11, lr}
    ldrd r4, r5, [r0, #CLAMP]
    ldr r6, [r0, #ROWS]
    push {r6}
    vdup.32 q2, r4
    vdup.32 q3, r5
    ldm r0, {r4-r12}
    movs r0, #1
1:
    dlstp.32 lr, r10
2:
    vldrb.s32 q0, [r1], #4
    vadd.i32 q0, q0, r4
    vldrb.s32 q1, [r2], #4
    vadd.i32 q1, q1, r5
    vmul.i32 q0, q0, q1
    vqrdmulh.s32 q0, q0, r6
    vqdmlah.s32 q0, q0, r0 /* one less where it is negative: halves round away from zero */
    vrshl.s32 q0, r7
    vadd.i32 q0, q0, r8
    vmax.s32 q0, q0, q2
    vmin.s32 q0, q0, q3
    vstrb.32 q0, [r3], #4
    letp lr, 2b
    add r1, r1, r11
    add r2, r2, r12
    add r3, r3, r9
    ldr lr, [sp]
    subs lr, lr, #1
    str lr, [sp]
    bne 1b
    pop {r3-r11, pc}
END ep_mul_rows_s8_arm_mve
