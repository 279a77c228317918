/* SPDX-License-Identifier: Apache-2.0 */
/* ep_spread_arm_mve.h: sixteen bytes of every pixel, then the next sixteen; of pixels of up to eight bytes that lie
 * together as many as sixteen bytes hold, which are scattered, but in small code. */
#include "ep_arm_function.inc"

    .equ FEW, 8
    .equ FARTHEST, 17 /* places of a byte from the next: the last of sixteen bytes is within 255 */

FUNCTION ep_spread_arm_mve
    push {r4-r8, lr}
    ldm r0, {r0-r5} /* to, from, count, bytes, to_step, from_step */
#ifndef __OPTIMIZE_SIZE__
    cmp r3, r5
    bne 1f
    cmp r3, #FEW
    bgt 1f
    udiv r6, r4, r3
    cmp r6, #FARTHEST
    ble 4f
#endif
1:
    vctp.8 r3
    mov r6, r0
    mov r7, r1
    dls lr, r2
2:
    vpstt
    vldrbt.8 q0, [r7]
    vstrbt.8 q0, [r6]
    add r7, r7, r5
    add r6, r6, r4
    le lr, 2b
    adds r0, r0, #16
    adds r1, r1, #16
    subs r3, r3, #16
    bgt 1b
    pop {r4-r8, pc}
#ifndef __OPTIMIZE_SIZE__
4:
    mov r12, #0
    vidup.u8 q1, r12, #1
    mov r12, #0
    viwdup.u8 q2, r12, r3, #1 /* the byte of its pixel */
    vmul.i8 q1, q1, r6
    subs r6, r6, #1
    vmul.i8 q2, q2, r6
    vsub.i8 q1, q1, q2 /* where it goes */
    movs r7, #16
    udiv r7, r7, r3
    muls r4, r7, r4
    muls r7, r3, r7
    muls r2, r3, r2 /* bytes in all, at a time r7 */
    subs r5, r2, #1
    udiv r5, r5, r7
    mls r2, r5, r7, r2
    wls lr, r5, 6f
5:
    vldrb.8 q0, [r1] /* those beyond r7 belong to the next pixel, which comes again */
    vstrb.8 q0, [r0, q1]
    add r1, r1, r7
    add r0, r0, r4
    le lr, 5b
6:
    vctp.8 r2
    vpstt
    vldrbt.8 q0, [r1]
    vstrbt.8 q0, [r0, q1]
    pop {r4-r8, pc}
#endif
END ep_spread_arm_mve
