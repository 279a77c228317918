/* SPDX-License-Identifier: Apache-2.0 */
/* ep_taps_strip.h for Armv7-M. */
#include "ep_strip_armv7m.inc"

#ifdef __OPTIMIZE_SIZE__
#define UNROLL 1
#else
#define UNROLL 3
#endif

FUNCTION ep_taps_strip_s8
    ENTER
    ldrd r4, r5, [r0, #S_N]
    str r5, [sp, #F_STEP]
    movs r6, #UNROLL
    udiv r5, r4, r6
    muls r5, r6
    lsls r5, #2
    lsls r4, #2
    strd r5, r4, [sp, #F_ROUND_BYTES]
1:
    ldrd r0, r1, [sp, #F_X]
    adds r3, r0, #4
    adds r4, r1, #4
    strd r3, r4, [sp, #F_X] /* of the next block */
    BEGIN
    ldr r3, [sp, #F_ROUND_BYTES]
    ldr r12, [sp, #F_BYTES]
    adds r3, r2
    add r12, r2
    strd r3, r12, [sp, #F_ROUNDS]
    cmp r2, r3
    ldr r3, [sp, #F_STEP]
    beq 3f
2:
    .rept UNROLL
    TAP r2 r4 r6 r8 r10 r5 r7 r9 r11
    add r0, r3
    add r1, r3
    .endr
    ldr lr, [sp, #F_ROUNDS]
    cmp r2, lr
    bne 2b
3:
#if UNROLL > 1
    ldr lr, [sp, #F_END]
    cmp r2, lr
    beq 5f
4:
    TAP r2 r4 r6 r8 r10 r5 r7 r9 r11
    add r0, r3
    add r1, r3
    ldr lr, [sp, #F_END]
    cmp r2, lr
    bne 4b
5:
#endif
    FINISH 1b
    LEAVE
END ep_taps_strip_s8

#undef UNROLL
