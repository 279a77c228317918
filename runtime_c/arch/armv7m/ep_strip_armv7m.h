/* What ep_tile_strip_s8 and ep_taps_strip_s8 share: the frame, and the end of a block of channels.
 *
 * Sums of channel c lie in r4 + 2 c (first position) and r5 + 2 c (second). r2 runs through the
 * weights. */
#include "ep_arm_function.h"

    /* offsets of ep_strip_s8 */
    .set S_COUNT, 0
    .set S_N, 4
    .set S_STEP, 8
    .set S_NEXT, 12
    .set S_PITCH, 16
    .set S_ZERO, 20
    .set S_BIAS, 24
    .set S_MULT, 28
    .set S_SHIFT, 32

    /* offsets from sp */
    .set F_ROUNDS, 0 /* where the inner loop's rounds end */
    .set F_END, 4    /* where it ends altogether */
    .set F_X, 8      /* inputs of both positions */
    .set F_Y, 16     /* results of both, mult, shift, 2 zero + 1 */
    .set F_BIAS, 36
    .set F_LAST, 40 /* where the results of the first position end */
    .set F_STEP, 44
    .set F_ROUND_BYTES, 48
    .set F_BYTES, 52
    .set F_SUMS, 56
    .set FRAME, 88

    /* r0: s, r1: x, r2: w, r3: y */
    .macro ENTER
    push {r3-r11, lr}
    sub sp, #FRAME
    ldr r4, [r0, #S_NEXT]
    adds r4, r1, r4
    strd r1, r4, [sp, #F_X]
    ldr r4, [r0, #S_PITCH]
    adds r4, r3, r4
    strd r3, r4, [sp, #F_Y]
    ldrd r4, r5, [r0, #S_MULT]
    strd r4, r5, [sp, #F_Y + 8]
    ldrd r4, r5, [r0, #S_ZERO]
    lsls r4, #1
    adds r4, #1
    strd r4, r5, [sp, #F_Y + 16]
    ldr r4, [r0, #S_COUNT]
    adds r4, r3, r4
    str r4, [sp, #F_LAST]
    .endm

    .macro LEAVE
    add sp, #FRAME + 4
    pop {r4-r11, pc}
    .endm

    /* Sums begin with the bias. */
    .macro BEGIN
    ldr r12, [sp, #F_BIAS]
    ldm r12!, {r4, r6, r8, r10}
    str r12, [sp, #F_BIAS]
    mov r5, r4
    mov r7, r6
    mov r9, r8
    mov r11, r10
    .endm

    /* Sum in \sum -> result at \y; r12: mult, r9: -1 - shift, lr: what is added for rounding. ep_finish_s8.c
       has it in C. */
    .macro RESULT sum y
    lsls \sum, #1
    smull r3, \sum, \sum, r12
    add \sum, \sum, r3, lsr #31
    add \sum, \sum, \sum, asr #31
    add \sum, lr
    asrs \sum, r9
    ssat \sum, #8, \sum, asr #1
    strb \sum, [\y], #1
    .endm

    .macro CHANNEL
    ldrd r0, r1, [r10], #8
    ldr r12, [r6], #4
    ldrsb r9, [r7], #1
    mvns r9, r9
    lsl lr, r8, r9
    RESULT r0 r4
    RESULT r1 r5
    .endm

    /* The results of a block; goes to \block while there are more. */
    .macro FINISH block
    add r3, sp, #F_SUMS
    stm r3, {r4-r11}
    mov r10, r3
    add r3, sp, #F_Y
    ldm r3, {r4-r8}
#ifdef __OPTIMIZE_SIZE__
    add r11, r10, #32
8:
    CHANNEL
    cmp r10, r11
    bne 8b
#else
    .rept 4
    CHANNEL
    .endr
#endif
    add r3, sp, #F_Y
    stm r3, {r4-r7}
    ldr r12, [sp, #F_LAST]
    cmp r4, r12
    bne \block
    .endm
