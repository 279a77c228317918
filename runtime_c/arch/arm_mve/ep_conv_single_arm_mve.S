/* SPDX-License-Identifier: Apache-2.0 */
/* ep_conv_single_arm_mve.h. Sums in even registers r0 r2 r4 r6 of the pixels at r1 r3 r5 r7; r8 weights,
 * r9 the next pixel, r10 output, r11 and r12 x_step and in_len; q2 multiplier, q3 shift, q4 zero point,
 * q5 q6 clamp, q7 places of the results. */
#include "ep_arm_function.inc"

    /* from sp */
    .set F_BIAS, 0
    .set F_W, 4
    .set F_FOURS, 8
    .set F_Y_STEP4, 12
    .set FRAME, 16

    /* from an ep_conv_line; ACT_MIN behind the zero point */
    .set L_ZERO, 8
    .set L_MAX, 16

    .macro product acc x
    vldrb.8 q1, [\x], #16
    vmladava.s8 \acc, q0, q1
    .endm

FUNCTION ep_conv_single_arm_mve
    push {r4-r11, lr}
    vpush {d8-d15}
    ldm r0, {r4-r12} /* w, fours, y_step, table, line, x, y, x_step, in_len */
    movs r0, #0
    vidup.u32 q7, r0, #1
    vmul.i32 q7, q7, r6
    lsls r6, r6, #2
    ldm r7, {r0, r1, r2} /* bias, multiplier, shift */
    push {r0, r4, r5, r6}
    vdup.32 q2, r1
    vdup.32 q3, r2
    ldrd r0, r1, [r8, #L_ZERO]
    ldr r2, [r8, #L_MAX]
    vdup.32 q4, r0
    vdup.32 q5, r1
    vdup.32 q6, r2
1:
    ldrd r0, r8, [sp, #F_BIAS]
    mov r2, r0
    mov r4, r0
    mov r6, r0
    mov r1, r9
    add r3, r9, r11
    add r5, r3, r11
    add r7, r5, r11
    add r9, r7, r11
    dlstp.8 lr, r12
2:
    vldrb.8 q0, [r8], #16
    product r0 r1
    product r2 r3
    product r4 r5
    product r6 r7
    letp lr, 2b
    vmov q0[2], q0[0], r0, r4
    vmov q0[3], q0[1], r2, r6
    vqrdmulh.s32 q0, q0, q2
    vand q1, q0, q3 /* one less where it is negative and shifted: halves round away from zero */
    vshr.s32 q1, q1, #31
    vqadd.s32 q0, q0, q1
    vrshl.s32 q0, q0, q3
    vqadd.s32 q0, q0, q4
    vmax.s32 q0, q0, q5
    vmin.s32 q0, q0, q6
    vstrb.32 q0, [r10, q7]
    ldrd r0, r2, [sp, #F_FOURS]
    add r10, r10, r2
    subs r0, r0, #1
    str r0, [sp, #F_FOURS]
    bne 1b
    add sp, sp, #FRAME
    vpop {d8-d15}
    pop {r4-r11, pc}
END ep_conv_single_arm_mve
