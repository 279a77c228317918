/* SPDX-License-Identifier: Apache-2.0 */
/* ep_lines_copy of ep_lines.h: eight words in two instructions, all read before one is written; LDR and STR
   where an end lies between words. */
#include "ep_arm_function.inc"

FUNCTION ep_lines_copy
#ifndef __OPTIMIZE_SIZE__
    orr r3, r0, r1
    lsls r3, r3, #30
    bne 3f
    subs r2, #32
    blt 2f
    push {r4-r9}
1:
    ldm r1!, {r3-r9, r12}
    stm r0!, {r3-r9, r12}
    subs r2, #32
    bge 1b
    pop {r4-r9}
2:
    adds r2, #32
3:
#endif
    subs r2, #4
    blt 5f
4:
    ldr r3, [r1], #4
    str r3, [r0], #4
    subs r2, #4
    bge 4b
5:
    lsls r2, r2, #31 /* carry: two bytes more; not zero: one */
    itt cs
    ldrhcs r3, [r1], #2
    strhcs r3, [r0], #2
    itt ne
    ldrbne r3, [r1]
    strbne r3, [r0]
    bx lr
END ep_lines_copy
