/* SPDX-License-Identifier: Apache-2.0 */
/* ep_finish_s8 for Armv6-M where every channel is quick; ep_finish_any_s8 has the others, and all of them
 * where the compiler was asked for small code. */
#include "ep_result_armv6m.inc"

    /* offsets of ep_finish */
    .set F_ZERO, 0
    .set F_QUICK, 12
    .set F_BIAS, 16
    .set F_MULT, 20
    .set F_SHIFT, 24

    /* offsets from sp */
    .set S_BIAS, 0 /* where the next channel's lie */
    .set S_MULT, 4
    .set S_SHIFT, 8
    .set S_NOW, 12 /* the bias of this one */
    .set S_Y, 52
    .set S_PITCH, 56

#ifndef __OPTIMIZE_SIZE__
FUNCTION ep_finish_s8
    push {r3, r4}
    ldr r4, [r0, #F_QUICK]
    cmp r4, #0
    bne 1f
    ldr r4, =ep_finish_any_s8
    mov r12, r4
    pop {r3, r4}
    bx r12
1:
    pop {r3, r4}
    PUSH_ALL
    sub sp, #16
    movs r7, r3
    lsls r4, r1, #2
    ldr r5, [r0, #F_BIAS]
    adds r5, r4
    str r5, [sp, #S_BIAS]
    ldr r5, [r0, #F_MULT]
    adds r5, r4
    str r5, [sp, #S_MULT]
    ldr r5, [r0, #F_SHIFT]
    adds r5, r1
    str r5, [sp, #S_SHIFT]
    ldr r5, [r0, #F_ZERO]
    lsls r5, r5, #1
    adds r5, #1
    mov r11, r5
    ldr r5, [sp, #S_PITCH]
    mov r9, r5
    ldr r5, [sp, #S_Y]
    mov r8, r5
    adds r5, r2
    mov lr, r5 /* where the results of the first position end */
2:
    ldr r0, [sp, #S_SHIFT]
    movs r1, #0
    ldrsb r4, [r0, r1]
    adds r0, #1
    str r0, [sp, #S_SHIFT]
    mvns r4, r4
    mov r0, r11
    lsls r0, r4
    mov r10, r0
    adds r4, #1
    ldr r0, [sp, #S_MULT]
    ldm r0!, {r6}
    str r0, [sp, #S_MULT]
    uxth r5, r6
    asrs r6, r6, #16
    ldr r0, [sp, #S_BIAS]
    ldm r0!, {r1}
    str r0, [sp, #S_BIAS]
    str r1, [sp, #S_NOW]
    ldr r0, [r7]
    adds r0, r1
    RESULT r10
    mov r1, r8
    strb r0, [r1]
    mov r1, r9
    cmp r1, #0
    beq 3f
    ldr r0, [r7, #16]
    ldr r1, [sp, #S_NOW]
    adds r0, r1
    RESULT r10
    mov r1, r8
    mov r2, r9
    strb r0, [r1, r2]
3:
    movs r0, #1
    add r8, r0
    adds r7, #4
    cmp r8, lr
    beq 4f
    b 2b
4:
    add sp, #16
    POP_ALL
    .ltorg
END ep_finish_s8
#endif
