/* SPDX-License-Identifier: Apache-2.0 */
/* ep_winograd_input_s8_arm_dsp.h: for each four channels B' d of all columns, four words of the even ones and four of
 * the odd ones for each, and then (B' d) B of both pairs. Loads lie side by side, or behind a store: they take one cycle
 * there. Frame: the argument's fields. */
#include "ep_arm_function.inc"

/* r4 to r7: a column of four channels; r10 to r12, lr: 2(a - c), b + c, c - b, 2(b - d) of two of them */
.macro column turn, at
    sxtb16 r10, r4, ror #\turn
    sxtb16 r12, r6, ror #\turn
    sxtb16 r9, r5, ror #\turn
    sxtb16 lr, r7, ror #\turn
    ssub16 r10, r10, r12
    sadd16 r11, r9, r12
    ssub16 r12, r12, r9
    ssub16 lr, r9, lr
    sadd16 r10, r10, r10
    str r11, [r8, #\at + 4]
    sadd16 lr, lr, lr
    str r12, [r8, #\at + 8]
    str r10, [r8, #\at]
    str lr, [r8, #\at + 12]
.endm

/* row i of a tile, to positions that are so far from r1 */
.macro tile_row i, p0, p1, p2, p3
    ldr r4, [r0, #4 * \i]
    ldr r5, [r0, #4 * \i + 32]
    ldr r6, [r0, #4 * \i + 64]
    ldr r7, [r0, #4 * \i + 96]
    ssub16 r4, r4, r6
    sadd16 r8, r5, r6
    ssub16 r6, r6, r5
    ssub16 r5, r5, r7
    sadd16 r4, r4, r4
    str r8, [r1, \p1]
    sadd16 r5, r5, r5
    str r4, [r1\p0]
    str r6, [r1, \p2]
    str r5, [r1, \p3]
.endm

FUNCTION ep_winograd_input_s8_arm_dsp
    push {r4-r11, lr}
    ldm r0, {r3-r12}
    push {r3-r12}
1:
    ldm sp, {r0-r3, r8}
2:
    ldr r4, [r0]
    ldr r5, [r0, r2]
    ldr r6, [r1]
    ldr r7, [r1, r2]
    add r0, r0, r3
    add r1, r1, r3
    column 0, 0
    column 8, 16
    ldr r9, [sp, #20]
    add r8, r8, #32
    cmp r8, r9
    bne 2b
    ldrd r0, r1, [sp]
    adds r0, r0, #4
    adds r1, r1, #4
    strd r0, r1, [sp]
    ldr r0, [sp, #16]
    ldr r1, [sp, #24]
    ldr r2, [sp, #28]
    sub r9, r9, #64
    add r3, r2, r2, lsl #1
    add r11, r2, r2, lsl #2
    rsb r12, r2, r2, lsl #3
    add r10, r12, r2
    mov lr, #2
3:
    tile_row 0, , r2, "r2, lsl #1", r3
    tile_row 1, ", r2, lsl #2", r11, "r3, lsl #1", r12
    add r1, r1, r10
    tile_row 2, , r2, "r2, lsl #1", r3
    tile_row 3, ", r2, lsl #2", r11, "r3, lsl #1", r12
    sub r1, r1, r10
    adds r0, r0, #64
    adds r1, r1, #4
    cmp r0, r9
    bne 3b
    ldr r1, [sp, #24]
    ldr r4, [sp, #32]
    ldr r0, [sp, #16]
    add r1, r1, r4
    str r1, [sp, #24]
    add r9, r9, #16
    adds r0, r0, #16
    subs lr, lr, #1
    bne 3b
    ldr r0, [sp, #36]
    subs r0, r0, #1
    str r0, [sp, #36]
    bne.w 1b
    add sp, sp, #40
    pop {r4-r11, pc}
END ep_winograd_input_s8_arm_dsp
