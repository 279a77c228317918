/* SPDX-License-Identifier: Apache-2.0 */
/* ep_dense_blocks_arm_mve.h: eight channels share each load of the input.
 *
 * Accumulators must be even registers: r0 r2 r4 r6 r8 r10 r12 lr, which LDM fills with the biases.
 * r1 input, r3 weights, r5 output, r7 table, r9 counter, r11 end of output, q4 q5 clamp. */
    .syntax unified
    .thumb

    .equ MULT, 0 /* MULT, SHIFT and Y_ZERO are loaded together */
    .equ X, 16   /* X and ROUNDS, too */
    .equ TAIL, 24
    .equ FRAME, 32

    .macro product acc, weights
    vldrb.8 \weights, [r3], #16
    vmladava.s8 \acc, \weights, q0
    .endm

    .macro sixteen
    vldrb.8 q0, [r1], #16
    product r0, q1
    product r2, q2
    product r4, q3
    product r6, q1
    product r8, q2
    product r10, q3
    product r12, q1
    product lr, q2
    .endm

    .macro fewer acc, weights /* weights of the next channel are read along, and meet zeros */
    vldrb.8 \weights, [r3]
    add r3, r3, r1
    vmladava.s8 \acc, \weights, q0
    .endm

    .macro blocks name, shared
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    push {r4-r11, lr}
    vpush {d8-d11}
    ldm r0!, {r1-r8}
    push {r1-r8}
    ldm r0!, {r3, r5, r7, r11}
    ldrd r1, r2, [r0]
    vdup.8 q4, r1
    vdup.8 q5, r2
    ldr r1, [sp, #TAIL]
    vctp.8 r1
1:
    ldm r7!, {r0, r2, r4, r6, r8, r10, r12, lr}
    ldrd r1, r9, [sp, #X]
    cmp r9, #0
    blt 3f
2:
    sixteen
    sixteen
    subs r9, r9, #4
    bgt 2b
    beq 5f
3:
    cmn r9, #2
    beq 4f
    sixteen
    cmn r9, #1
    beq 5f
4:
    vpst
    vldrbt.8 q0, [r1]
    ldr r1, [sp, #TAIL]
    fewer r0, q1
    fewer r2, q2
    fewer r4, q3
    fewer r6, q1
    fewer r8, q2
    fewer r10, q3
    fewer r12, q1
    fewer lr, q2
5:  /* even channels in q0, odd ones in q1: narrowing interleaves them */
    vmov q0[2], q0[0], r0, r8
    vmov q0[3], q0[1], r4, r12
    vmov q1[2], q1[0], r2, r10
    vmov q1[3], q1[1], r6, lr
    /* Truncating, then rounding the shift: rounds once. */
    .if \shared
    ldm sp, {r0, r2, r4}
    vqdmulh.s32 q0, q0, r0
    vqdmulh.s32 q1, q1, r0
    vrshl.s32 q0, r2
    vrshl.s32 q1, r2
    .else
    ldr r4, [sp, #8]
    vldrw.32 q2, [r7], #16
    vldrw.32 q3, [r7], #16
    vqdmulh.s32 q0, q0, q2
    vqdmulh.s32 q1, q1, q3
    vldrb.s32 q2, [r7], #4
    vldrb.s32 q3, [r7], #4
    vrshl.s32 q0, q0, q2
    vrshl.s32 q1, q1, q3
    .endif
    vqmovnb.s32 q0, q0
    vqmovnt.s32 q0, q1
    vqadd.s16 q0, q0, r4
    vqmovnb.s16 q0, q0
    vmax.s8 q0, q0, q4
    vmin.s8 q0, q0, q5
    vstrb.16 q0, [r5], #8
    cmp r5, r11
    bne 1b
    add sp, sp, #FRAME
    vpop {d8-d11}
    pop {r4-r11, pc}
    .size \name, . - \name
    .endm

    blocks ep_dense_blocks_arm_mve, 0
    blocks ep_dense_blocks_shared_arm_mve, 1
