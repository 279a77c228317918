/* SPDX-License-Identifier: Apache-2.0 */
/* ep_finish.h for cores with the DSP extension: compilers keep all of it in 64 bits, in memory. */
#include "ep_arm_function.inc"

    /* The result of the sum at r3 + \at, to r7. r2 bias, r4 multiplier, r5 shift of the channel; r9, r10
       the smallest and the largest result. */
    .macro RESULT at
    ldr r6, [r3, #\at]
    ldrd r7, r8, [r2]
    adds r7, r7, r6
    adc r8, r8, r6, asr #31
    ldr r6, [r4]
    mul r8, r8, r6
    umull r7, r6, r7, r6
    add r8, r8, r6 /* r8:r7 the product */
    ldrsb r6, [r5]
    subs r6, r6, #1 /* half a step is the last bit that is kept for now */
    rsb r12, r6, #32
    subs r11, r6, #32
    bpl 1f
    lsr r7, r7, r6
    lsl r12, r8, r12
    orr r7, r7, r12
    asr r8, r8, r6
    b 2f
1:
    asr r7, r8, r11
    asr r8, r8, #31
2:
    adds r7, r7, #1
    adc r8, r8, #0
    lsr r7, r7, #1
    orr r7, r7, r8, lsl #31
    asr r8, r8, #1
    cmp r8, r7, asr #31
    itt ne /* more than int32 holds */
    mvnne r7, r8, asr #31
    eorne r7, r7, #0x80000000
    cmp r7, r9
    it lt
    movlt r7, r9
    cmp r7, r10
    it gt
    movgt r7, r10
    .endm

    /* The same where bias and sum, r8 and r12, stay in 32 bits: r7 multiplier << 16, r6 shift - 16 > 0, whose
       last bit shifted out rounds; the result to r12. limits: 0 none, 1 those of a ReLU, 2 any. */
    .macro QUICK limits
    add r12, r12, r8
    smmul r12, r12, r7
    asrs r12, r12, r6
    adc r12, r12, #0
    .if \limits == 0
    ssat r12, #16, r12
    .elseif \limits == 1
    usat r12, #15, r12
    .else
    cmp r12, r9
    it lt
    movlt r12, r9
    cmp r12, r10
    it gt
    movgt r12, r10
    .endif
    .endm

    .macro QUICKLY limits
1:
    ldrsb r6, [r5], #1
    ldr r7, [r4], #4
    ldr r8, [r2], #8
    subs r6, r6, #16
    lsls r7, r7, #16
    cbz r1, 2f
    ldr r12, [r3, #16]
    QUICK \limits
    strh r12, [r0, r1, lsl #1]
2:
    ldr r12, [r3], #4
    QUICK \limits
    strh r12, [r0], #2
    subs lr, lr, #1
    bne 1b
    pop {r4-r11, pc}
    .endm

FUNCTION ep_finish_s16
    push {r4-r11, lr}
    mov lr, r2
    ldrd r9, r10, [r0, #4]
    ldr r12, [r0, #12]
    ldrd r2, r4, [r0, #16]
    ldr r5, [r0, #24]
    add r2, r2, r1, lsl #3
    add r4, r4, r1, lsl #2
    add r5, r5, r1
    ldrd r0, r1, [sp, #36]
    cmp r12, #0
    bne 7f
3:
    RESULT 0
    strh r7, [r0]
    cbz r1, 5f
    RESULT 16
    strh r7, [r0, r1, lsl #1]
5:
    adds r0, r0, #2
    adds r3, r3, #4
    adds r2, r2, #8
    adds r4, r4, #4
    adds r5, r5, #1
    subs lr, lr, #1
    bne 3b
    pop {r4-r11, pc}
7:
#ifndef __OPTIMIZE_SIZE__
    movw r12, #0x7FFF
    cmp r10, r12
    bne 9f
    cmp r9, #0
    beq 8f
    mvn r12, r12
    cmp r9, r12
    bne 9f
    QUICKLY 0
8:
    QUICKLY 1
9:
#endif
    QUICKLY 2
END ep_finish_s16
