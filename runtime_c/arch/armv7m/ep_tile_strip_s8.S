/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile_strip.h for Armv7-M. */
#include "ep_strip_armv7m.inc"

#ifdef __OPTIMIZE_SIZE__
#define UNROLL 2
#else
#define UNROLL 8 /* a power of two */
#endif

FUNCTION ep_tile_strip_s8
    ENTER
    ldr r4, [r0, #S_N]
    adds r5, r1, r4
    and r6, r4, #UNROLL - 1
    subs r4, r5, r6
    strd r4, r5, [sp, #F_ROUNDS]
1:
    ldrd r0, r1, [sp, #F_X]
    BEGIN
    ldr lr, [sp, #F_ROUNDS]
    cmp r0, lr
    beq 3f
2:
    .rept UNROLL
    PAIR r4 r6 r8 r10 r5 r7 r9 r11
    .endr
    ldr lr, [sp, #F_ROUNDS]
    cmp r0, lr
    bne 2b
3:
    ldr lr, [sp, #F_END]
    cmp r0, lr
    beq 5f
4:
    PAIR r4 r6 r8 r10 r5 r7 r9 r11
    ldr lr, [sp, #F_END]
    cmp r0, lr
    bne 4b
5:
    FINISH 1b
    LEAVE
END ep_tile_strip_s8

#undef UNROLL
