/* SPDX-License-Identifier: Apache-2.0 */
/* ep_scatter_arm_mve.h: a pixel's channels at once. */
    .syntax unified
    .thumb
    .section .text.ep_scatter_arm_mve, "ax", %progbits
    .global ep_scatter_arm_mve
    .type ep_scatter_arm_mve, %function
    .thumb_func
ep_scatter_arm_mve:
    push {r4-r6, lr}
    ldm r0, {r0-r6}
    vctp.16 r3
    mov r12, #0
    vidup.u16 q1, r12, #1
    vmul.i16 q1, q1, r6
    dls lr, r2
1:
    vpstt
    vldrbt.u16 q0, [r1]
    vstrbt.16 q0, [r0, q1]
    add r1, r1, r5
    add r0, r0, r4
    le lr, 1b
    pop {r4-r6, pc}
    .size ep_scatter_arm_mve, . - ep_scatter_arm_mve
