/* SPDX-License-Identifier: Apache-2.0 */
/* ep_interleave_f32_arm_mve.h. q1: where four elements go, less what is added before each store; q2: the
 * same for the first of a pixel. */
#include "ep_arm_function.inc"

    .set STEP, 28 /* bytes: EP_TILE_PIXELS */

FUNCTION ep_interleave_f32_arm_mve
    push {r4-r9, lr}
    sub r8, r1, #4 * STEP
    ldm r0, {r0-r5} /* from, n, rows, pixels, row_step, pixel_step */
    movs r6, #0
    vidup.u32 q2, r6, #1
    movs r7, #STEP
    vmul.i32 q2, q2, r7
    vadd.i32 q2, q2, r8
    cbz r0, 5f
    rsbs r6, r1, #0
    and r6, r6, #3
    muls r6, r7, r6 /* what the last store of a row goes too far */
    movs r9, #4
1:
    vmov q1, q2
    mov r7, r0
    mov r12, r2
2:
    mov r8, r7
    dlstp.32 lr, r1
3:
    vldrw.u32 q0, [r8], #16
    vstrw.32 q0, [q1, #4 * STEP]!
    letp lr, 3b
    vsub.i32 q1, q1, r6
    add r7, r7, r4
    subs r12, r12, #1
    bne 2b
    vadd.i32 q2, q2, r9
    add r0, r0, r5
    subs r3, r3, #1
    bne 1b
    pop {r4-r9, pc}
5:
    muls r1, r2, r1
    vmov.i32 q0, #0
    dlstp.32 lr, r1
6:
    vstrw.32 q0, [q2, #4 * STEP]!
    letp lr, 6b
    pop {r4-r9, pc}
END ep_interleave_f32_arm_mve
