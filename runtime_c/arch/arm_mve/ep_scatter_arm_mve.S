/* SPDX-License-Identifier: Apache-2.0 */
/* ep_scatter_arm_mve.h: a pixel's channels at once; eight of them of two pixels, but in small code. */
#include "ep_arm_function.inc"

FUNCTION ep_scatter_arm_mve
    push {r4-r6, lr}
    ldm r0, {r0-r6}
    mov r12, #0
    vidup.u16 q1, r12, #1
    vmul.i16 q1, q1, r6
#ifndef __OPTIMIZE_SIZE__
    cmp r3, #8
    bne 2f
    vadd.i16 q2, q1, r4
    lsls r6, r4, #1
    lsr r12, r2, #1
    and r2, r2, #1
    wls lr, r12, 2f
1:
    vldrb.u16 q0, [r1]
    add r1, r1, r5
    vldrb.u16 q3, [r1]
    add r1, r1, r5
    vstrb.16 q0, [r0, q1]
    vstrb.16 q3, [r0, q2]
    add r0, r0, r6
    le lr, 1b
2:
#endif
    vctp.16 r3
    wls lr, r2, 4f
3:
    vpstt
    vldrbt.u16 q0, [r1]
    vstrbt.16 q0, [r0, q1]
    add r1, r1, r5
    add r0, r0, r4
    le lr, 3b
4:
    pop {r4-r6, pc}
END ep_scatter_arm_mve
