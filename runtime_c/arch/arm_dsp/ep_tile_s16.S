/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile.h for cores with the DSP extension: SMLAD takes two inputs at once. */
#ifdef __OPTIMIZE_SIZE__
#define LOG 0
#else
#define LOG 3 /* of the twos of inputs that a round takes */
#endif

#include "ep_arm_function.inc"

    /* A word, and whether the pointer goes there. */
    .macro LOAD to, from, at, moves
    .if \moves
    ldr \to, [\from, #\at]!
    .else
    ldr \to, [\from, #\at]
    .endif
    .endm

    /* Two inputs of two positions (behind r0, r1) times four channels (behind r2). The last of a round moves
       the pointers, which lie a word before what is read next. */
    .macro PAIR i, last
    ldr r12, [r2, #8 * \i + 4]
    ldr r3, [r0, #4 * \i + 4]
    sxtb16 lr, r12, ror #8
    sxtb16 r12, r12
    smlad r4, r3, r12, r4
    smlad r5, r3, lr, r5
    LOAD r3, r1, 4 * \i + 4, \last
    smlad r8, r3, r12, r8
    smlad r9, r3, lr, r9
    LOAD r12, r2, 8 * \i + 8, \last
    sxtb16 lr, r12, ror #8
    sxtb16 r12, r12
    smlad r10, r3, r12, r10
    smlad r11, r3, lr, r11
    LOAD r3, r0, 4 * \i + 4, \last
    smlad r6, r3, r12, r6
    smlad r7, r3, lr, r7
    .endm

    /* The last input of one position (r3), or of two (r12), times the channel at \w + \c. */
    .macro LAST w c a b
    ldrsb lr, [\w, #\c]
    mla \a, r3, lr, \a
    .ifnb \b
    mla \b, r12, lr, \b
    .endif
    .endm

    /* Two inputs of one position (r0) times four channels (r1). */
    .macro ONE i
    ldr r8, [r1, #8 * \i]
    ldr r12, [r0, #4 * \i]
    sxtb16 r9, r8, ror #8
    sxtb16 r8, r8
    smlad r4, r12, r8, r4
    smlad r5, r12, r9, r5
    ldr r8, [r1, #8 * \i + 4]
    sxtb16 r9, r8, ror #8
    sxtb16 r8, r8
    smlad r6, r12, r8, r6
    smlad r7, r12, r9, r7
    .endm

FUNCTION ep_tile_pair_s16
    push {r3-r11, lr} /* at sp: n */
    CLEAR
    sub r0, r0, #4
    sub r1, r1, #4
    sub r2, r2, #4
    lsrs r3, r3, #1 + LOG
    beq 2f
    add r3, r0, r3, lsl #2 + LOG
    push {r3} /* where the last round ends */
1:
    .set EP_i, 0
    .rept (1 << LOG) - 1
    PAIR EP_i, 0
    .set EP_i, EP_i + 1
    .endr
    PAIR EP_i, 1
    ldr r3, [sp]
    cmp r0, r3
    bne 1b
    add sp, #4
2:
    pop {r3}
    lsls r3, r3, #31 - LOG
    beq 5f
#if LOG
    push {r3}
    lsrs r3, r3, #32 - LOG
    beq 4f
    add r3, r0, r3, lsl #2
    push {r3}
3:
    PAIR 0, 1
    ldr r3, [sp]
    cmp r0, r3
    bne 3b
    add sp, #4
4:
    pop {r3}
    lsls r3, r3, #LOG
    beq 5f
#endif
    ldrsh r3, [r0, #4]
    ldrsh r12, [r1, #4]
    adds r2, r2, #4
    LAST r2 0 r4 r8
    LAST r2 1 r5 r9
    LAST r2 2 r6 r10
    LAST r2 3 r7 r11
5:
    ldr r0, [sp, #36]
    stm r0, {r4-r11}
    pop {r4-r11, pc}
END ep_tile_pair_s16

FUNCTION ep_tile_block_s16
    push {r3-r9, lr}
    movs r4, #0
    movs r5, #0
    movs r6, #0
    movs r7, #0
    lsrs r3, r2, #1 + LOG
    beq 2f
1:
    .set EP_i, 0
    .rept 1 << LOG
    ONE EP_i
    .set EP_i, EP_i + 1
    .endr
    add r0, r0, #4 << LOG
    add r1, r1, #8 << LOG
    subs r3, r3, #1
    bne 1b
2:
#if LOG
    ubfx r3, r2, #1, #LOG
    cbz r3, 4f
3:
    ONE 0
    adds r0, r0, #4
    adds r1, r1, #8
    subs r3, r3, #1
    bne 3b
4:
#endif
    lsls r2, r2, #31
    beq 5f
    ldrsh r3, [r0]
    LAST r1 0 r4
    LAST r1 1 r5
    LAST r1 2 r6
    LAST r1 3 r7
5:
    pop {r3}
    stm r3, {r4-r7}
    pop {r4-r9, pc}
END ep_tile_block_s16

FUNCTION ep_tile_single_s16
    push {r4-r6, lr}
    movs r3, #0
    lsrs r4, r2, #2
    beq 2f
1:
    ldr r5, [r1], #4
    sxtb16 r6, r5, ror #8
    sxtb16 r5, r5
    pkhbt r12, r5, r6, lsl #16
    pkhtb r6, r6, r5, asr #16
    ldr r5, [r0], #4
    smlad r3, r5, r12, r3
    ldr r5, [r0], #4
    smlad r3, r5, r6, r3
    subs r4, r4, #1
    bne 1b
2:
    ands r2, r2, #3
    beq 4f
3:
    ldrsh r5, [r0], #2
    ldrsb r6, [r1], #1
    mla r3, r5, r6, r3
    subs r2, r2, #1
    bne 3b
4:
    mov r0, r3
    pop {r4-r6, pc}
END ep_tile_single_s16
