/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile.h for Armv7-M: all operands of a tile held in registers, which compilers miss by a few. */
#ifdef __OPTIMIZE_SIZE__
#define UNROLL 2
#else
#define UNROLL 8 /* a power of two */
#endif

#include "ep_inner_armv7m.inc"

FUNCTION ep_tile_pair_s8
    push {r4-r11, lr}
    sub sp, #8
    add r4, r0, r3
    and r5, r3, #UNROLL - 1
    sub r3, r4, r5
    strd r3, r4, [sp] /* where x ends: by rounds, and altogether */
    CLEAR
    cmp r0, r3
    beq 2f
1:
    .rept UNROLL
    PAIR r4 r5 r6 r7 r8 r9 r10 r11
    .endr
    ldr lr, [sp]
    cmp r0, lr
    bne 1b
2:
    ldr lr, [sp, #4]
    cmp r0, lr
    beq 4f
3:
    PAIR r4 r5 r6 r7 r8 r9 r10 r11
    ldr lr, [sp, #4]
    cmp r0, lr
    bne 3b
4:
    ldr r0, [sp, #44]
    stm r0, {r4-r11}
    add sp, #8
    pop {r4-r11, pc}
END ep_tile_pair_s8

FUNCTION ep_tile_blocks_s8
    push {r3-r11, lr}
    and r12, r2, #UNROLL - 1
    add r3, r0, r2
    sub r3, r3, r12 /* where x ends, by rounds; r12 elements are left then */
    add r2, r1, r2, lsl #2
    push {r12, lr}
    CLEAR
    cmp r0, r3
    beq 2f
1:
    .rept UNROLL
    EIGHT
    .endr
    cmp r0, r3
    bne 1b
2:
    pop {r12, lr}
    add r3, r12
    cmp r0, r3
    beq 4f
3:
    EIGHT
    cmp r0, r3
    bne 3b
4:
    pop {r3}
    stm r3, {r4-r11}
    pop {r4-r11, pc}
END ep_tile_blocks_s8

FUNCTION ep_tile_block_s8
    push {r3-r8, lr}
    movs r4, #0
    movs r5, #0
    movs r6, #0
    movs r7, #0
    add r3, r0, r2
    cmp r0, r3
    beq 2f
1:
    ldrsb r12, [r0], #1
    ldrsb lr, [r1], #1
    mla r4, r12, lr, r4
    ldrsb lr, [r1], #1
    mla r5, r12, lr, r5
    ldrsb lr, [r1], #1
    mla r6, r12, lr, r6
    ldrsb lr, [r1], #1
    mla r7, r12, lr, r7
    cmp r0, r3
    bne 1b
2:
    pop {r3}
    stm r3, {r4-r7}
    pop {r4-r8, pc}
END ep_tile_block_s8

FUNCTION ep_tile_single_s8
    push {r4, lr}
    adds r3, r0, r2
    movs r2, #0
    cmp r0, r3
    beq 2f
1:
    ldrsb r12, [r0], #1
    ldrsb lr, [r1], #1
    mla r2, r12, lr, r2
    cmp r0, r3
    bne 1b
2:
    mov r0, r2
    pop {r4, pc}
END ep_tile_single_s8

#undef UNROLL
