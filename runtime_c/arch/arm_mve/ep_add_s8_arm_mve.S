/* SPDX-License-Identifier: Apache-2.0 */
/* ep_add_s8_arm_mve.h: four elements at a time, the last ones predicated. */
    .syntax unified
    .thumb

    .macro sum name, clamp
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    push {r4-r7, lr}
    .if \clamp
    vpush {d8-d9}
    ldrd r4, r5, [r0, #20]
    vdup.8 q3, r4
    vdup.8 q4, r5
    .endif
    ldm r0, {r0, r4, r5, r6, r7} /* length, a_mult, b_mult, offset, shift */
    vdup.32 q2, r4
    mov r4, r1 /* loads that widen take low registers */
    wlstp.32 lr, r0, 2f
1:
    vldrb.s32 q0, [r4], #4
    vshl.i32 q0, q0, #24
    vldrb.s32 q1, [r2], #4
    vshl.i32 q1, q1, #24
    vqrdmlash.s32 q0, q2, r6
    vqrdmlah.s32 q0, q1, r5
    vshl.s32 q0, r7
    vqmovnb.s32 q0, q0
    vqmovnb.s16 q0, q0
    .if \clamp
    vmax.s8 q0, q0, q3
    vmin.s8 q0, q0, q4
    .endif
    vstrb.32 q0, [r3], #4
    letp lr, 1b
2:
    .if \clamp
    vpop {d8-d9}
    .endif
    pop {r4-r7, pc}
    .size \name, . - \name
    .endm

    sum ep_add_s8_arm_mve, 1
    sum ep_add_saturate_s8_arm_mve, 0
