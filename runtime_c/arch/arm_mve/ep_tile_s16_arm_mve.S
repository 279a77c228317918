/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile_s16_arm_mve.h. Accumulators must be even registers: r0 r2 r4 r6 of the first position, r8 r10 r12
 * lr of the second. r1 r5 inputs, r7 weights, r11 rounds left, r3 inputs left after them. */
#include "ep_arm_function.inc"

    .macro eight a b c d e f g h
    vldrh.u16 q0, [r5], #16
    .ifnb \e
    vldrh.u16 q1, [r1], #16
    .endif
    products q2 \a \e
    products q3 \b \f
    products q2 \c \g
    products q3 \d \h
    .endm

    .macro products weights a b
    vldrb.s16 \weights, [r7], #8
    vmladava.s16 \a, \weights, q0
    .ifnb \b
    vmladava.s16 \b, \weights, q1
    .endif
    .endm

    /* r3 inputs, fewer than eight: lanes that are not loaded are zero */
    .macro fewer a b
    vpst
    vldrbt.s16 q2, [r7]
    add r7, r7, r3
    vmladava.s16 \a, q2, q0
    .ifnb \b
    vmladava.s16 \b, q2, q1
    .endif
    .endm

FUNCTION ep_tile_pair_s16_arm_mve
    push {r4-r11, lr}
    mov r5, r0
    mov r7, r2
    lsr r11, r3, #3
    and r3, r3, #7
    movs r0, #0
    movs r2, #0
    movs r4, #0
    movs r6, #0
    mov r8, r0
    mov r10, r0
    mov r12, r0
    mov lr, r0
    cmp r11, #0
    beq 2f
1:
    eight r0 r2 r4 r6 r8 r10 r12 lr
    subs r11, r11, #1
    bne 1b
2:
    cbz r3, 3f
    vctp.16 r3
    vpstt
    vldrht.u16 q0, [r5]
    vldrht.u16 q1, [r1]
    fewer r0 r8
    fewer r2 r10
    fewer r4 r12
    fewer r6 lr
3:
    ldr r1, [sp, #36]
    stm r1, {r0, r2, r4, r6, r8, r10, r12, lr}
    pop {r4-r11, pc}
END ep_tile_pair_s16_arm_mve

FUNCTION ep_tile_block_s16_arm_mve
    push {r3-r7, r11, r12, lr}
    mov r5, r0
    mov r7, r1
    lsr r11, r2, #3
    and r3, r2, #7
    movs r0, #0
    movs r2, #0
    movs r4, #0
    movs r6, #0
    cmp r11, #0
    beq 2f
1:
    eight r0 r2 r4 r6
    subs r11, r11, #1
    bne 1b
2:
    cbz r3, 3f
    vctp.16 r3
    vpst
    vldrht.u16 q0, [r5]
    fewer r0
    fewer r2
    fewer r4
    fewer r6
3:
    ldr r1, [sp]
    stm r1, {r0, r2, r4, r6}
    pop {r3-r7, r11, r12, pc}
END ep_tile_block_s16_arm_mve

    /* offsets of ep_strip_s8 and ep_output_s8 */
    .set S_COUNT, 0
    .set S_N, 4
    .set S_NEXT, 12
    .set S_PITCH, 16
    .set S_BIAS, 24
    .set S_SHIFT, 32
    .set O_LOW, 4

    /* offsets from sp */
    .set F_X, 0
    .set F_SECOND, 4
    .set F_BIAS, 8 /* where the next block's lie; multipliers behind it */
    .set F_SHIFT, 16
    .set F_Y, 20
    .set F_LEFT, 24 /* channels */
    .set F_N, 28
    .set F_PITCH, 32
    .set FRAME, 36
    .set SAVED, 36 + 48

    /* q4 q5 clamp, q6 32 */
FUNCTION ep_tile_strip_s16_arm_mve
    push {r4-r11, lr}
    vpush {d8-d13}
    sub sp, sp, #FRAME
    mov r7, r3
    ldr r4, [r0, #S_NEXT]
    add r4, r2, r4, lsl #1
    strd r2, r4, [sp, #F_X]
    ldrd r4, r5, [r0, #S_BIAS]
    strd r4, r5, [sp, #F_BIAS]
    ldr r4, [r0, #S_SHIFT]
    ldr r5, [sp, #FRAME + SAVED] /* y */
    strd r4, r5, [sp, #F_SHIFT]
    ldrd r4, r5, [r0, #S_COUNT]
    strd r4, r5, [sp, #F_LEFT]
    ldr r4, [r0, #S_PITCH]
    lsls r4, r4, #1
    str r4, [sp, #F_PITCH]
    ldrd r4, r5, [r1, #O_LOW]
    vdup.32 q4, r4
    vdup.32 q5, r5
    vmov.i32 q6, #32
1:
    ldr r5, [sp, #F_BIAS]
    ldm r5, {r0, r2, r4, r6}
    ldm r5!, {r8, r10, r12, lr}
    str r5, [sp, #F_BIAS]
    ldrd r5, r1, [sp, #F_X]
    ldr r3, [sp, #F_N]
    lsr r11, r3, #4
    tst r3, #8
    beq 2f
    eight r0 r2 r4 r6 r8 r10 r12 lr
2:
    cmp r11, #0
    beq 4f
3:
    eight r0 r2 r4 r6 r8 r10 r12 lr
    eight r0 r2 r4 r6 r8 r10 r12 lr
    subs r11, r11, #1
    bne 3b
4:
    ands r3, r3, #7
    beq 5f
    vctp.16 r3
    vpstt
    vldrht.u16 q0, [r5]
    vldrht.u16 q1, [r1]
    fewer r0 r8
    fewer r2 r10
    fewer r4 r12
    fewer r6 lr
5:
    vmov q0[2], q0[0], r0, r4
    vmov q0[3], q0[1], r2, r6
    vmov q1[2], q1[0], r8, r12
    vmov q1[3], q1[1], r10, lr
    /* (bias + sum) * (mult << (32 - shift)): its rounded high word */
    ldr r1, [sp, #F_BIAS + 4]
    ldrd r2, r3, [sp, #F_SHIFT]
    vldrb.s32 q2, [r2], #4
    vsub.i32 q3, q6, q2
    vldrw.u32 q2, [r1], #16
    vshl.s32 q3, q2, q3
    vrmulh.s32 q0, q0, q3
    vrmulh.s32 q1, q1, q3
    vmax.s32 q0, q0, q4
    vmax.s32 q1, q1, q4
    vmin.s32 q0, q0, q5
    vmin.s32 q1, q1, q5
    ldr r0, [sp, #F_PITCH]
    add r0, r0, r3
    vstrh.32 q1, [r0]
    vstrh.32 q0, [r3], #8
    str r1, [sp, #F_BIAS + 4]
    strd r2, r3, [sp, #F_SHIFT]
    ldr r0, [sp, #F_LEFT]
    subs r0, r0, #4
    str r0, [sp, #F_LEFT]
    bne 1b
    add sp, sp, #FRAME
    vpop {d8-d13}
    pop {r4-r11, pc}
END ep_tile_strip_s16_arm_mve
