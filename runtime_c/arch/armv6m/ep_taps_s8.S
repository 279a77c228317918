/* SPDX-License-Identifier: Apache-2.0 */
/* ep_taps.h for Armv6-M: accumulators in r8 to r11, step in r12, the end of w in lr. */
#include "ep_arm_function.inc"

    /* x at r0, w at r2; r3 to r5 hold 1 to 3, r1 holds 0. */
FUNCTION ep_taps_block_s8
    PUSH_ALL
    mov r12, r1
    lsls r3, r3, #2
    adds r3, r2, r3
    mov lr, r3
    movs r1, #0
    movs r3, #1
    movs r4, #2
    movs r5, #3
    mov r8, r1
    mov r9, r1
    mov r10, r1
    mov r11, r1
1:
    ldrsb r6, [r0, r1]
    ldrsb r7, [r2, r1]
    muls r7, r6
    add r8, r7
    ldrsb r6, [r0, r3]
    ldrsb r7, [r2, r3]
    muls r7, r6
    add r9, r7
    ldrsb r6, [r0, r4]
    ldrsb r7, [r2, r4]
    muls r7, r6
    add r10, r7
    ldrsb r6, [r0, r5]
    ldrsb r7, [r2, r5]
    muls r7, r6
    add r11, r7
    adds r2, #4
    add r0, r12
    cmp r2, lr
    bne 1b
    ldr r0, [sp, #36]
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    stm r0!, {r4-r7}
    POP_ALL
END ep_taps_block_s8
