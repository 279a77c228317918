/* SPDX-License-Identifier: Apache-2.0 */
/* ep_conv_line_arm_mve.h: two pixels and four channels share their loads.
 *
 * Accumulators must be even registers: r0 r2 r4 r6 of the first pixel, r8 r10 r12 lr of the second.
 * r1 r3 inputs, r5 table, r7 output, r9 weights, r11 counter, then tail, q4 q5 clamp (relu: q4 the sign). */
    .syntax unified
    .thumb

    .equ X, 0 /* X0, X1 and ROUNDS are loaded together */
    .equ Y_ZERO, 12
    .equ Y_STEP, 16 /* Y_STEP and TABLE_END, too */
    .equ TAIL, 28
    .equ PAIRS, 32
    .equ X_STEP, 36 /* X_STEP and Y_SKIP, too */
    .equ W, 44      /* W and TABLE, too */
    .equ Y, 52
    .equ FRAME, 64

    .macro products a, b, weights
    vldrb.8 \weights, [r9], #16
    vmladava.s8 \a, \weights, q0
    vmladava.s8 \b, \weights, q1
    .endm

    .macro sixteen
    vldrb.8 q0, [r1], #16
    vldrb.8 q1, [r3], #16
    products r0, r8, q2
    products r2, r10, q3
    products r4, r12, q2
    products r6, lr, q3
    .endm

    .macro fewer a, b, weights /* weights of the next channel are read along, and meet zeros */
    vldrb.8 \weights, [r9]
    add r9, r9, r11
    vmladava.s8 \a, \weights, q0
    vmladava.s8 \b, \weights, q1
    .endm

    .macro pairs name, relu
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    push {r4-r11, lr}
    vpush {d8-d11}
    .if \relu
    vmov.i8 q4, #0x80
    .else
    ldrd r1, r2, [r0, #FRAME]
    vdup.8 q4, r1
    vdup.8 q5, r2
    .endif
    add r1, r0, #32
    ldm r1, {r2-r9}
    push {r2-r9}
    ldm r0, {r2-r9}
    push {r2-r9}
    ldr r7, [r0, #Y]
0:
    ldrd r9, r5, [sp, #W]
1:
    ldm r5, {r0, r2, r4, r6}
    ldm r5!, {r8, r10, r12, lr}
    ldm sp, {r1, r3, r11}
    cmp r11, #0
    blt 3f
2:
    sixteen
    sixteen
    subs r11, r11, #4
    bgt 2b
    beq 5f
3:
    cmn r11, #2
    beq 4f
    sixteen
    cmn r11, #1
    beq 5f
4:
    ldr r11, [sp, #TAIL]
    vctp.8 r11
    vpstt
    vldrbt.8 q0, [r1]
    vldrbt.8 q1, [r3]
    fewer r0, r8, q2
    fewer r2, r10, q3
    fewer r4, r12, q2
    fewer r6, lr, q3
5:
    vmov q0[2], q0[0], r0, r4
    vmov q0[3], q0[1], r2, r6
    vmov q1[2], q1[0], r8, r12
    vmov q1[3], q1[1], r10, lr
    vldrw.32 q2, [r5], #16
    vldrb.s32 q3, [r5], #4
    vqrdmulh.s32 q0, q0, q2
    vqrdmulh.s32 q1, q1, q2
    .ifeq \relu
    movs r0, #1 /* one less where it is negative and shifted: halves round away from zero */
    vptt.s32 lt, q3, zr
    vqdmlaht.s32 q0, q0, r0
    vqdmlaht.s32 q1, q1, r0
    .endif
    vrshl.s32 q0, q0, q3
    vrshl.s32 q1, q1, q3
    ldrd r2, r4, [sp, #Y_STEP]
    .ifeq \relu
    ldr r0, [sp, #Y_ZERO]
    .endif
    vqmovnb.s32 q0, q0 /* even lanes: the first pixel; odd lanes: the second */
    vqmovnt.s32 q0, q1
    add r2, r2, r7
    .if \relu
    vqmovunb.s16 q0, q0
    veor q0, q0, q4
    .else
    vqadd.s16 q0, q0, r0
    vqmovnb.s16 q0, q0
    vmax.s8 q0, q0, q4
    vmin.s8 q0, q0, q5
    .endif
    vstrb.32 q0, [r7], #4
    vshr.u32 q0, q0, #16
    vstrb.32 q0, [r2]
    cmp r5, r4
    bne 1b

    ldrd r0, r1, [sp, #X_STEP]
    ldrd r2, r3, [sp, #X]
    add r7, r7, r1
    add r2, r2, r0
    add r3, r3, r0
    strd r2, r3, [sp, #X]
    ldr r1, [sp, #PAIRS]
    subs r1, r1, #1
    str r1, [sp, #PAIRS]
    bne 0b
    add sp, sp, #FRAME
    vpop {d8-d11}
    pop {r4-r11, pc}
    .size \name, . - \name
    .endm

    pairs ep_conv_pairs_arm_mve, 0
    pairs ep_conv_pairs_relu_arm_mve, 1
