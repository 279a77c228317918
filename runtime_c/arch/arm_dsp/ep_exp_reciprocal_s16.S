/* SPDX-License-Identifier: Apache-2.0 */
/* ep_exp_reciprocal.h: what is added for rounding stays in a register, and rides on each product. */
#include "ep_arm_function.inc"

    /* to = a * b / 2^15, halves up, or what of it is left to a shift */
    .macro TIMES to, a, b
    mla \to, \a, \b, r12
    asrs \to, \to, #15
    .endm

FUNCTION ep_exp_reciprocal_s16
    push {r4, lr}
    mov r12, #1 << 14
    lsl r2, r0, r1
    ubfx r2, r2, #0, #13
    sub r2, r2, #4096 /* x */
    rsb r1, r1, #13
    mvns r0, r0
    asrs r0, r0, r1 /* quarters */
    TIMES r3, r2, r2 /* square */
    TIMES r1, r3, r3
    adds r1, r1, #2 /* of which a quarter is the fourth power's term */
    TIMES r4, r3, r2
    add r4, r4, r1, asr #2
    movw r1, #10923
    mla r4, r4, r1, r12
    add r3, r3, r4, asr #15
    adds r3, r3, #1
    add r2, r2, r3, asr #1
    movw r1, #28918
    mla r2, r2, r1, r12
    add r1, r1, r2, asr #15 /* e */
    cbz r0, 2f
    adr r2, 3f
1:
    ldrsh r3, [r2], #2
    lsrs r0, r0, #1
    itt cs
    mlacs r1, r1, r3, r12
    asrcs r1, r1, #15
    bne 1b
2:
    add r1, r1, #1 << 15
    lsrs r1, r1, #1 /* half */
    movw r3, #15420
    mls r2, r1, r3, r12
    movw r0, #23130
    add r0, r0, r2, asr #15
    .rept 3
    TIMES r2, r1, r0
    rsb r2, r2, #1 << 13
    TIMES r2, r2, r0
    add r0, r0, r2, lsl #2
    .endr
    pop {r4, pc}
    .balign 4
3:
    .short 25520, 19875, 12055, 4435, 600, 11, 0, 0, 0 /* exp(-2^k), k >= -2 */
END ep_exp_reciprocal_s16
