/* SPDX-License-Identifier: Apache-2.0 */
/* ep_taps_run_s8_armv6m.h */
#include "ep_result_armv6m.inc"

    /* offsets of ep_taps_run */
    .set R_X, 0
    .set R_W, 4
    .set R_BIAS, 8
    .set R_MULT, 12
    .set R_SHIFT, 16
    .set R_ROUNDING, 20
    .set R_Y, 24
    .set R_LAST, 28
    .set R_TAPS, 32
    .set R_NEXT, 36
    .set R_BACK, 40
    .set R_PITCH, 44
    .set R_COUNT, 48

    /* Inputs at r0 times the weight r2, r4 holds 0. */
    .macro TAP sum
    ldrsb r3, [r0, r4]
    muls r3, r2
    add \sum, r3
    .endm

    /* All taps of the positions whose sums are given; weights at r1 up to r7, r5: next, r6: back. */
    .macro TAPS first rest:vararg
1:
    ldrsb r2, [r1, r4]
    adds r1, #1
    TAP \first
    .ifnb \rest
    .irp sum, \rest
    adds r0, r5
    TAP \sum
    .endr
    .endif
    adds r0, r6
    cmp r1, r7
    bne 1b
    .endm

    /* lr: the ep_taps_run */
FUNCTION ep_taps_run_s8_armv6m
    PUSH_ALL
    sub sp, #20
    mov lr, r0
2:
    mov r3, lr
    ldr r0, [r3, #R_X]
    adds r1, r0, #1
    str r1, [r3, #R_X]
    ldr r1, [r3, #R_W]
    ldr r2, [r3, #R_TAPS]
    adds r7, r1, r2
    str r7, [r3, #R_W]
    ldr r5, [r3, #R_NEXT]
    ldr r6, [r3, #R_BACK]
    ldr r2, [r3, #R_COUNT]
    movs r4, #0
    mov r8, r4
    mov r9, r4
    mov r10, r4
    mov r11, r4
    mov r12, r4
    cmp r2, #4
    bhi 5f
    beq 4f
    cmp r2, #2
    bhi 3f
    beq 6f
    TAPS r8
    b 7f
6:
    TAPS r8, r9
    b 7f
3:
    TAPS r8, r9, r10
    b 7f
4:
    TAPS r8, r9, r10, r11
    b 7f
5:
    TAPS r8, r9, r10, r11, r12
7:
    mov r7, sp
    mov r0, r8
    mov r1, r9
    mov r2, r10
    mov r3, r11
    mov r4, r12
    stm r7!, {r0-r4}
    mov r7, lr
    ldr r0, [r7, #R_BIAS]
    ldm r0!, {r1}
    str r0, [r7, #R_BIAS]
    mov r8, r1
    RESCALE R_MULT R_SHIFT R_ROUNDING
    ldr r0, [r7, #R_PITCH]
    mov r9, r0
    ldr r1, [r7, #R_COUNT]
    muls r1, r0
    ldr r0, [r7, #R_Y]
    mov r11, r0
    adds r1, r0
    mov r12, r1 /* where the results of the channel end */
    adds r0, #1
    str r0, [r7, #R_Y]
    mov r7, sp
8:
    ldm r7!, {r0}
    add r0, r8
    RESULT r10
    mov r1, r11
    strb r0, [r1]
    add r11, r9
    cmp r11, r12
    bne 8b
    mov r7, lr
    ldr r0, [r7, #R_Y]
    ldr r1, [r7, #R_LAST]
    cmp r0, r1
    beq 9f
    b 2b
9:
    add sp, #20
    POP_ALL
END ep_taps_run_s8_armv6m
