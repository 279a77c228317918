/* SPDX-License-Identifier: Apache-2.0 */
/* ep_taps.h for Armv7-M. */
#include "ep_inner_armv7m.inc"

FUNCTION ep_taps_pair_s8
    push {r4-r11, lr}
    ldr r12, [sp, #36]
    add r12, r3, r12, lsl #2
    push {r12, lr} /* where w ends */
    movs r4, #0
    movs r5, #0
    movs r6, #0
    movs r7, #0
    mov r8, r4
    mov r9, r4
    mov r10, r4
    mov r11, r4
1:
    TAP r3 r4 r5 r6 r7 r8 r9 r10 r11
    ldr r12, [sp]
    add r0, r2
    add r1, r2
    cmp r3, r12
    bne 1b
    ldr r0, [sp, #48]
    stm r0, {r4-r11}
    add sp, #8
    pop {r4-r11, pc}
END ep_taps_pair_s8

FUNCTION ep_taps_block_s8
    push {r4-r9, lr}
    add r3, r2, r3, lsl #2
    movs r4, #0
    movs r5, #0
    movs r6, #0
    movs r7, #0
1:
    ldrsb r12, [r0]
    ldrsb lr, [r2], #1
    mla r4, r12, lr, r4
    ldrsb r8, [r0, #1]
    ldrsb r9, [r2], #1
    mla r5, r8, r9, r5
    ldrsb r12, [r0, #2]
    ldrsb lr, [r2], #1
    mla r6, r12, lr, r6
    ldrsb r8, [r0, #3]
    ldrsb r9, [r2], #1
    mla r7, r8, r9, r7
    add r0, r1
    cmp r2, r3
    bne 1b
    ldr r0, [sp, #28]
    stm r0, {r4-r7}
    pop {r4-r9, pc}
END ep_taps_block_s8
