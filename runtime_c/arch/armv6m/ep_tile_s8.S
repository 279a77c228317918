/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile.h for Armv6-M: four accumulators in r8 to r11, which only additions reach. */
#ifdef __OPTIMIZE_SIZE__
#define FOURS 1
#else
#define FOURS 2
#endif

#include "ep_arm_function.inc"

    /* The element of x at r0 + \i times four channels at r1. Signed bytes load with two registers
       only, so r2 to r5 hold 0 to 3. */
    .macro STEP i
    ldrsb r6, [r0, \i]
    ldrsb r7, [r1, r2]
    muls r7, r6
    add r8, r7
    ldrsb r7, [r1, r3]
    muls r7, r6
    add r9, r7
    ldrsb r7, [r1, r4]
    muls r7, r6
    add r10, r7
    ldrsb r7, [r1, r5]
    muls r7, r6
    add r11, r7
    adds r1, #4
    .endm

FUNCTION ep_tile_block_s8
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r3-r7}
    movs r7, #4 * FOURS - 1
    ands r7, r2
    adds r2, r0, r2
    mov lr, r2 /* where x ends */
    subs r2, r7
    mov r12, r2 /* where it ends by rounds */
    movs r2, #0
    movs r3, #1
    movs r4, #2
    movs r5, #3
    mov r8, r2
    mov r9, r2
    mov r10, r2
    mov r11, r2
    cmp r0, r12
    beq 2f
1:
    .rept FOURS
    STEP r2
    STEP r3
    STEP r4
    STEP r5
    adds r0, #4
    .endr
    cmp r0, r12
    bne 1b
2:
    cmp r0, lr
    beq 4f
3:
    STEP r2
    adds r0, #1
    cmp r0, lr
    bne 3b
4:
    pop {r3}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    stm r3!, {r4-r7}
    POP_ALL
END ep_tile_block_s8

FUNCTION ep_tile_pair_s8
    push {r1-r5, lr}
    ldr r4, [sp, #24] /* sums */
    mov r1, r2
    mov r2, r3
    mov r3, r4
    bl ep_tile_block_s8
    ldr r0, [sp]
    ldr r1, [sp, #4]
    ldr r2, [sp, #8]
    mov r3, r4
    adds r3, #16
    bl ep_tile_block_s8
    add sp, #12
    pop {r4, r5, pc}
END ep_tile_pair_s8

FUNCTION ep_tile_blocks_s8
    push {r0-r4, lr}
    mov r4, r3
    bl ep_tile_block_s8
    ldr r0, [sp]
    ldr r1, [sp, #4]
    ldr r2, [sp, #8]
    lsls r3, r2, #2
    adds r1, r3
    mov r3, r4
    adds r3, #16
    bl ep_tile_block_s8
    add sp, #16
    pop {r4, pc}
END ep_tile_blocks_s8

FUNCTION ep_tile_single_s8
    push {r4-r7, lr}
    adds r2, r0, r2
    movs r3, #0
    movs r4, #0
    cmp r0, r2
    beq 2f
1:
    ldrsb r5, [r0, r4]
    ldrsb r6, [r1, r4]
    muls r5, r6
    adds r3, r5
    adds r0, #1
    adds r1, #1
    cmp r0, r2
    bne 1b
2:
    mov r0, r3
    pop {r4-r7, pc}
END ep_tile_single_s8
