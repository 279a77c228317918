/* SPDX-License-Identifier: Apache-2.0 */
/* ep_dense_strip.h for Armv7-M. */
#include "ep_inner_armv7m.inc"

#ifdef __OPTIMIZE_SIZE__
#define UNROLL 2
#else
#define UNROLL 8 /* a power of two */
#endif

    /* offsets of ep_strip_s8 */
    .set S_COUNT, 0
    .set S_N, 4
    .set S_ZERO, 20
    .set S_BIAS, 24
    .set S_MULT, 28

    /* offsets from sp */
    .set F_X, 0
    .set F_END, 4
    .set F_NEXT, 8 /* bytes of a block */
    .set F_BIAS, 12
    .set F_Y, 16 /* results, mult, shift, 2 zero + 1 */
    .set F_LAST, 32
    .set F_SUMS, 36
    .set FRAME, 68

    /* Sum at r10 -> result at r4; what is added for rounding has the zero point in it. */
    .macro CHANNEL
    ldr r0, [r10], #4
    ldr r12, [r5], #4
    ldrsb r9, [r6], #1
    mvns r9, r9
    lsl lr, r7, r9
    smull r12, r0, r0, r12
    add r0, r0, lr, asr #1
    asrs r0, r9
    ssat r0, #8, r0
    strb r0, [r4], #1
    .endm

    /* r0: s, r1: x, r2: w, r3: y */
FUNCTION ep_dense_strip_s8
    push {r4-r11, lr}
    sub sp, #FRAME
    ldrd r4, r5, [r0, #S_COUNT]
    adds r4, r3, r4
    str r4, [sp, #F_LAST]
    adds r4, r1, r5
    strd r1, r4, [sp, #F_X]
    lsls r5, #2
    ldrd r4, r6, [r0, #S_ZERO]
    strd r5, r6, [sp, #F_NEXT]
    lsls r4, #1
    adds r4, #1
    ldrd r5, r6, [r0, #S_MULT]
    strd r3, r5, [sp, #F_Y]
    strd r6, r4, [sp, #F_Y + 8]
1:
    ldr r12, [sp, #F_BIAS]
    ldm r12!, {r4-r11}
    str r12, [sp, #F_BIAS]
    mov r1, r2
    ldr r0, [sp, #F_NEXT]
    add r2, r0
    ldrd r0, r12, [sp, #F_X]
    sub r12, r0
    ands r12, #UNROLL - 1 /* what does not fill a round comes first */
    beq 4f
    add r3, r0, r12
2:
    EIGHT
    cmp r0, r3
    bne 2b
    ldr r3, [sp, #F_END]
    cmp r0, r3
    beq 5f
4:
    ldr r3, [sp, #F_END]
3:
    .rept UNROLL
    EIGHT
    .endr
    cmp r0, r3
    bne 3b
5:
    add r3, sp, #F_SUMS
    stm r3, {r4-r11}
    mov r10, r3
    add r11, r3, #32
    add r3, sp, #F_Y
    ldm r3, {r4-r7}
8:
#ifdef __OPTIMIZE_SIZE__
    CHANNEL
#else
    .rept 4
    CHANNEL
    .endr
#endif
    cmp r10, r11
    bne 8b
    stm r3, {r4-r6}
    ldr r12, [sp, #F_LAST]
    cmp r4, r12
    bne 1b
    add sp, #FRAME
    pop {r4-r11, pc}
END ep_dense_strip_s8

#undef UNROLL
