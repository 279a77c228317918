/* SPDX-License-Identifier: Apache-2.0 */
/* ep_depthwise_line_arm_mve.h: eight pixels of a channel, then its next ones, then the next channel.
 *
 * Results lie in the order of the pixels 0 4 1 5 2 6 3 7: where four are left or fewer, every other lane has one.
 *
 * Accumulators must be even registers: r0 r2 r4 r6 r8 r10 r12 lr. r1 input, r3 least result, r5 output,
 * r7 pixels that are left less four, r9 table, r11 bytes of eight pixels of the output. q0 and q3 weights,
 * q4 q5 orders of the weights, q6 places of eight pixels, q7 pixels less four. */
#include "ep_arm_function.inc"

    .equ PIXELS, 12
    .equ Y_STEP8, 32
    .equ STEPS, 36 /* PLANE_STEP, W_STEP, Y_CHANNEL, TABLE_STEP and TABLE_END */
    .equ ORDER, 56
    .equ TABLE, 64
    .equ Y_STEP, 68

    /* from sp: plane, w, y, STEPS */
    .equ F_PIXELS, 32
    .equ FRAME, 36

    .macro pair step a b x
    vldrb.8 \x, [r1], #\step
    vmladav.s8 \a, \x, q0
    vmladav.s8 \b, \x, q3
    .endm

    .macro rescale acc
    vadd.i32 \acc, \acc, r0
    vqrdmulh.s32 \acc, \acc, r2
    vrshl.s32 \acc, r4
    .endm

    .macro store
    vqadd.s16 q1, q1, r3
    vqmovnb.s16 q1, q1
    vpt.s16 lt, q7, r7
    vstrbt.16 q1, [r5, q6]
    .endm

    .macro weights to order /* of the lanes that have one; the others are 0 */
    vpt.s8 ge, \order, zr
    vldrbt.u8 \to, [r2, \order]
    .endm

    .macro line name step
FUNCTION \name
    push {r4-r11, lr}
    vpush {d8-d15}
    movs r2, #0
    vidup.u32 q6, r2, #1
    vidup.u32 q1, r2, #1
    vmovnt.i32 q6, q1
    movs r3, #4
    vsub.i16 q7, q6, r3
    ldrd r9, r4, [r0, #TABLE]
    vmul.i16 q6, q6, r4
    ldr r4, [r0, #ORDER]
    vldrb.8 q4, [r4]
    vldrb.8 q5, [r4, #16]
    ldr r11, [r0, #Y_STEP8]
    ldr r7, [r0, #PIXELS]
    subs r7, r7, #4
    push {r7}
    add r1, r0, #STEPS
    ldm r1, {r4, r5, r6, r8, r10}
    push {r4, r5, r6, r8, r10}
    sub sp, sp, #12
    mvn r3, #127
    ldm r0, {r0, r2, r4}
1:
    stm sp, {r0, r2, r4}
    mov r1, r0
    mov r5, r4
    weights q0 q4
    weights q3 q5
    ldr r7, [sp, #F_PIXELS]
    cmp r7, #0
    ble 3f
2:
    pair \step r0 r2 q1
    pair \step r4 r6 q2
    pair \step r8 r10 q1
    pair \step r12 lr q2
    vmov q1[2], q1[0], r0, r4
    vmov q1[3], q1[1], r2, r6
    vmov q2[2], q2[0], r8, r12
    vmov q2[3], q2[1], r10, lr
    ldm r9, {r0, r2, r4}
    rescale q1
    rescale q2
    vqmovnb.s32 q1, q1
    vqmovnt.s32 q1, q2
    store
    add r5, r5, r11
    subs r7, r7, #8
    bgt 2b
    cmn r7, #4
    ble 4f
3:
    pair \step r0 r2 q1
    pair \step r4 r6 q2
    vmov q1[2], q1[0], r0, r4
    vmov q1[3], q1[1], r2, r6
    ldm r9, {r0, r2, r4}
    rescale q1
    vqmovnb.s32 q1, q1
    store
4:
    ldm sp, {r0, r2, r4, r6, r8, r10, r12, lr}
    add r0, r0, r6
    add r2, r2, r8
    add r4, r4, r10
    add r9, r9, r12
    cmp r9, lr
    bne 1b
    add sp, sp, #FRAME
    vpop {d8-d15}
    pop {r4-r11, pc}
END \name
    .endm

    line ep_depthwise_three_arm_mve 6
    line ep_depthwise_three_strided_arm_mve 12
