/* SPDX-License-Identifier: Apache-2.0 */
/* ep_table_s8 of ep_table.h: loads side by side take a cycle each, which compilers part. */
#include "ep_arm_function.inc"

FUNCTION ep_table_s8
    ldr r0, [r0]
    adds r1, #128
#ifndef __OPTIMIZE_SIZE__
    push {r4-r6}
    subs r0, #4
    blt 2f
1:
    ldrsb r4, [r2, #1]
    ldrsb r5, [r2, #2]
    ldrsb r6, [r2, #3]
    ldrsb r12, [r2], #4
    ldrb r4, [r1, r4]
    ldrb r5, [r1, r5]
    ldrb r6, [r1, r6]
    ldrb r12, [r1, r12]
    strb r4, [r3, #1]
    strb r5, [r3, #2]
    strb r6, [r3, #3]
    strb r12, [r3], #4
    subs r0, #4
    bge 1b
2:
    pop {r4-r6}
    adds r0, #4
    beq 4f
#endif
3:
    ldrsb r12, [r2], #1
    ldrb r12, [r1, r12]
    strb r12, [r3], #1
    subs r0, #1
    bne 3b
4:
    bx lr
END ep_table_s8
