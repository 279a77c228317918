/* SPDX-License-Identifier: Apache-2.0 */
/* ep_spread_arm_mve.h: sixteen bytes of every pixel, then the next sixteen. */
    .syntax unified
    .thumb
    .section .text.ep_spread_arm_mve, "ax", %progbits
    .global ep_spread_arm_mve
    .type ep_spread_arm_mve, %function
    .thumb_func
ep_spread_arm_mve:
    push {r4-r7, lr}
    ldm r0, {r0-r5} /* to, from, count, bytes, to_step, from_step */
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
    pop {r4-r7, pc}
    .size ep_spread_arm_mve, . - ep_spread_arm_mve
