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
