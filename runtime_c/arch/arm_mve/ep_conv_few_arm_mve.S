/* SPDX-License-Identifier: Apache-2.0 */
/* ep_conv_few_arm_mve.h. Sums in even registers r0 r2 r4 r6; q0 to q3 weights, q5 biases, q6 multipliers,
 * q7 shifts. */
#include "ep_arm_function.inc"

    /* from sp */
    .set F_X, 0
    .set F_PIXELS, 4
    .set F_Y, 8

    .macro weights to
    vpst
    vldrbt.8 \to, [r9]
    add r9, r9, r8
    .endm

FUNCTION ep_conv_few_arm_mve
    push {r4-r11, lr}
    vpush {d8-d15}
    ldm r0!, {r1, r2, r3, r7}
    push {r1, r2, r3}
    ldm r0, {r6, r8, r9, r10, r11} /* y_zero, in_len, w, table, table_end */
    mov r5, r10
    mov r10, r6
    vctp.8 r8
1:
    weights q0
    weights q1
    weights q2
    weights q3
    vldrw.32 q5, [r5], #16
    vldrw.32 q6, [r5], #16
    vldrb.s32 q7, [r5], #4
    ldr r1, [sp, #F_X]
    ldrd r2, r3, [sp, #F_PIXELS]
    adds r4, r3, #4
    str r4, [sp, #F_Y]
    dls lr, r2
2:
    vldrb.8 q4, [r1], #16
    vmladav.s8 r0, q0, q4
    vmladav.s8 r2, q1, q4
    vmladav.s8 r4, q2, q4
    vmladav.s8 r6, q3, q4
    vmov q4[2], q4[0], r0, r4
    vmov q4[3], q4[1], r2, r6
    vadd.i32 q4, q4, q5
    vqrdmulh.s32 q4, q4, q6
    vrshl.s32 q4, q4, q7
    vqmovnb.s32 q4, q4
    vqadd.s16 q4, q4, r10
    vqmovnb.s16 q4, q4
    vstrb.32 q4, [r3]
    add r3, r3, r7
    le lr, 2b
    cmp r5, r11
    bne 1b
    add sp, sp, #12
    vpop {d8-d15}
    pop {r4-r11, pc}
END ep_conv_few_arm_mve
