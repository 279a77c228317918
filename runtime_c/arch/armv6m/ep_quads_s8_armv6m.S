/* SPDX-License-Identifier: Apache-2.0 */
/* ep_quads_s8_armv6m.h */
#include "ep_result_armv6m.inc"

    /* offsets of ep_quads */
    .set Q_X, 0
    .set Q_END, 4
    .set Q_W, 8
    .set Q_BIAS, 12
    .set Q_MULT, 16
    .set Q_SHIFT, 20
    .set Q_ROUNDING, 24
    .set Q_Y, 28
    .set Q_LAST, 32
    .set Q_APART, 36

    /* Two words at r0 times the weights r3, r4. \sums gathers both sums of 16 bits as one number, \high
       those of the upper half, which the carry rounds where the lower one is below zero. */
    .macro TWO sums high
    ldm r0!, {r1, r2}
    muls r1, r3
    muls r2, r4
    adds r1, r2
    add \sums, r1
    asrs r1, r1, #16
    adcs \high, r1
    .endm

    /* Four weights at r10 times four inputs of four positions at r0. */
    .macro FOUR
    mov r1, r10
    ldm r1!, {r7}
    mov r10, r1
    sxtb r3, r7
    lsls r4, r7, #16
    asrs r4, r4, #24
    TWO r8, r5
    TWO r9, r6
    lsls r3, r7, #8
    asrs r3, r3, #24
    asrs r4, r7, #24
    TWO r8, r5
    TWO r9, r6
    .endm

    /* The sums \sums, \high and the bias r1 -> the sums of two positions in \sums, \second. */
    .macro APART sums high second
    lsls r2, \high, #16
    mov r3, \sums
    subs r3, r2
    adds r3, r1
    mov \sums, r3
    adds \high, r1
    mov \second, \high
    .endm

    .macro STORE apart
    ldr r1, [r7, #Q_Y]
    ldr r2, [r7, #\apart]
    strb r0, [r1, r2]
    .endm

    /* lr: the ep_quads; r10: weights, r11: the end of x. */
FUNCTION ep_quads_s8_armv6m
    PUSH_ALL
    mov lr, r0
    mov r7, r0
1:
    ldr r0, [r7, #Q_W]
    mov r10, r0
    ldr r0, [r7, #Q_X]
    ldr r1, [r7, #Q_END]
    mov r11, r1
    subs r1, r0
    movs r5, #0
    movs r6, #0
    mov r8, r5
    mov r9, r5
    lsrs r1, r1, #6 /* an odd number of fours */
    bcs 3f
2:
    FOUR
3:
    FOUR
    cmp r0, r11
    bne 2b
    mov r7, lr
    mov r1, r10
    str r1, [r7, #Q_W]
    ldr r0, [r7, #Q_BIAS]
    ldm r0!, {r1}
    str r0, [r7, #Q_BIAS]
    APART r8, r5, r11
    APART r9, r6, r12
    RESCALE Q_MULT Q_SHIFT Q_ROUNDING
    mov r0, r12
    RESULT r10
    STORE Q_APART + 8
    mov r0, r9
    RESULT r10
    STORE Q_APART + 4
    mov r0, r11
    RESULT r10
    STORE Q_APART
    mov r0, r8
    RESULT r10
    ldr r1, [r7, #Q_Y]
    strb r0, [r1]
    adds r1, #1
    str r1, [r7, #Q_Y]
    ldr r2, [r7, #Q_LAST]
    cmp r1, r2
    beq 4f
    b 1b
4:
    POP_ALL
END ep_quads_s8_armv6m

    /* r4, r5 hold 0 and 1. */
    .macro PACK index to
    ldrsb \to, [r1, \index]
    ldrsb r3, [r2, \index]
    lsls r3, r3, #16
    adds \to, r3
    .endm

FUNCTION ep_quads_pack_s8_armv6m
    push {r4-r7, lr}
    movs r4, #0
    movs r5, #1
    lsrs r3, r3, #1
    sbcs r6, r6 /* 0 where one is left over, else -1 */
    mov r12, r6
    lsls r3, r3, #1
    adds r3, r1, r3
    mov lr, r3
    cmp r1, lr
    beq 2f
1:
    PACK r4, r6
    PACK r5, r7
    stm r0!, {r6, r7}
    adds r0, #8
    adds r1, #2
    adds r2, #2
    cmp r1, lr
    bne 1b
2:
    mov r6, r12
    cmp r6, #0
    bne 3f
    PACK r4, r6
    str r6, [r0]
3:
    pop {r4-r7, pc}
END ep_quads_pack_s8_armv6m
