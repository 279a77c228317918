/* ep_tile_strip_s8.h for Armv7-M. */
#include "ep_strip_armv7m.h"

#ifdef __OPTIMIZE_SIZE__
#define UNROLL 2
#else
#define UNROLL 8 /* a power of two */
#endif

    /* One element of two positions (r0, r1) times four channels (r2). */
    .macro PAIR
    ldrsb r3, [r0], #1
    ldrsb r12, [r1], #1
    ldrsb lr, [r2], #1
    mla r4, r3, lr, r4
    mla r5, r12, lr, r5
    ldrsb lr, [r2], #1
    mla r6, r3, lr, r6
    mla r7, r12, lr, r7
    ldrsb lr, [r2], #1
    mla r8, r3, lr, r8
    mla r9, r12, lr, r9
    ldrsb lr, [r2], #1
    mla r10, r3, lr, r10
    mla r11, r12, lr, r11
    .endm

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
    PAIR
    .endr
    ldr lr, [sp, #F_ROUNDS]
    cmp r0, lr
    bne 2b
3:
    ldr lr, [sp, #F_END]
    cmp r0, lr
    beq 5f
4:
    PAIR
    ldr lr, [sp, #F_END]
    cmp r0, lr
    bne 4b
5:
    FINISH 1b
    LEAVE
END ep_tile_strip_s8
