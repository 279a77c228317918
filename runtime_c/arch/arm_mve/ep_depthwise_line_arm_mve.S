/* SPDX-License-Identifier: Apache-2.0 */
/* ep_depthwise_line_arm_mve.h: eight pixels of a channel, then its next ones, then the next channel.
 *
 * Accumulators must be even registers: r0 r2 r4 r6 r8 r10 r12 lr. r1 input, r3 step, r5 output,
 * r7 pixels that are left, r9 table, r11 order of the weights. q0 and q3 weights, q4 q5 clamp, q6
 * places of eight pixels. */
    .syntax unified
    .thumb

    .equ W, 4
    .equ X_STEP, 16
    .equ BACK, 20
    .equ ONWARD, 24
    .equ Y_ZERO, 28 /* Y_ZERO and Y_STEP8 are loaded together */
    .equ Y_STEP8, 32
    .equ STEPS, 36 /* PLANE_STEP, W_STEP, Y_CHANNEL, TABLE_STEP and TABLE_END, too */
    .equ ORDER, 56
    .equ ORDER_END, 60
    .equ FRAME, 64

    .macro two a, b, x /* patches of one vector */
    vldrb.8 \x, [r1]
    add r1, r1, r3
    vmladav.s8 \a, \x, q0
    vmladav.s8 \b, \x, q3
    .endm

    .macro more a, x
    vldrb.8 \x, [r1]
    add r1, r1, r3
    vmladava.s8 \a, \x, q0
    .endm

    .macro weights to, order /* of the lanes that have one; the others are 0 */
    vpt.s8 ge, \order, zr
    vldrbt.u8 \to, [r3, \order]
    .endm

    .macro away acc /* one less where it is negative: halves round away from zero */
    vshr.s32 q7, \acc, #31
    vqadd.s32 \acc, \acc, q7
    .endm

    .macro line name, pairs
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    push {r4-r11, lr}
    vpush {d8-d15}
    add r1, r0, #32
    ldm r1, {r2-r9}
    push {r2-r9}
    ldm r0, {r2-r9}
    push {r2-r9}
    add r0, r0, #FRAME
    ldm r0, {r1-r4} /* table, y_step, act_min, act_max */
    mov r9, r1
    vdup.8 q4, r3
    vdup.8 q5, r4
    movs r0, #0
    vidup.u16 q6, r0, #1
    vmul.i16 q6, q6, r2
    ldr r11, [sp, #ORDER]
1:
    ldm sp, {r1, r3, r5, r7} /* plane, w, y, pixels */
    .if \pairs
    vldrb.8 q1, [r11]
    weights q0, q1
    vldrb.8 q1, [r11, #16]
    weights q3, q1
    ldr r3, [sp, #X_STEP]
2:
    two r0, r2, q1
    two r4, r6, q2
    two r8, r10, q1
    two r12, lr, q2
    .else
2:
    .irp acc, r0, r2, r4, r6, r8, r10, r12, lr
    mov \acc, #0
    .endr
    ldr r11, [sp, #ORDER]
3:
    ldr r3, [sp, #W]
    vldrb.8 q1, [r11], #16
    weights q0, q1
    ldr r3, [sp, #X_STEP]
    more r0, q1
    more r2, q2
    more r4, q3
    more r6, q1
    more r8, q2
    more r10, q3
    more r12, q1
    more lr, q2
    ldr r3, [sp, #BACK]
    add r1, r1, r3
    ldr r3, [sp, #ORDER_END]
    cmp r11, r3
    bne 3b
    ldr r3, [sp, #ONWARD]
    add r1, r1, r3
    .endif
    vmov q1[2], q1[0], r0, r8 /* even pixels; odd ones in q2: narrowing interleaves them */
    vmov q1[3], q1[1], r4, r12
    vmov q2[2], q2[0], r2, r10
    vmov q2[3], q2[1], r6, lr
    ldm r9, {r0, r2, r4}
    vadd.i32 q1, q1, r0
    vadd.i32 q2, q2, r0
    vqrdmulh.s32 q1, q1, r2
    vqrdmulh.s32 q2, q2, r2
    away q1
    away q2
    ldrd r6, r8, [sp, #Y_ZERO]
    vrshl.s32 q1, r4
    vrshl.s32 q2, r4
    vqmovnb.s32 q1, q1
    vqmovnt.s32 q1, q2
    vqadd.s16 q1, q1, r6
    vqmovnb.s16 q1, q1
    vmax.s8 q1, q1, q4
    vmin.s8 q1, q1, q5
    vctp.16 r7
    vpst
    vstrbt.16 q1, [r5, q6]
    add r5, r5, r8
    subs r7, r7, #8
    bgt 2b
    ldm sp, {r0, r2, r4}
    add lr, sp, #STEPS
    ldm lr, {r6, r8, r10, r12, lr}
    add r0, r0, r6
    add r2, r2, r8
    add r4, r4, r10
    stm sp, {r0, r2, r4}
    add r9, r9, r12
    cmp r9, lr
    bne 1b
    add sp, sp, #FRAME
    vpop {d8-d15}
    pop {r4-r11, pc}
    .size \name, . - \name
    .endm

    line ep_depthwise_line_arm_mve, 0
    line ep_depthwise_line_pairs_arm_mve, 1
