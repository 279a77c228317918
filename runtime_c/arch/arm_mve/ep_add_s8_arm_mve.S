/* SPDX-License-Identifier: Apache-2.0 */
/* ep_add_s8_arm_mve.h: sixteen elements at a time, four times every fourth; small code takes four, the last ones
 * predicated. */
#include "ep_arm_function.inc"

    .macro sum4 name, clamp
FUNCTION \name
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
END \name
    .endm

    /* r0 elements that are left, r12 a, q0 q1 operands, q2 a_mult, q5 q6 sums, q7 the uppermost byte */
    .macro element k to, x /* in the uppermost byte, zeros below */
    .if \k == 3
    vand \to, \x, q7
    .else
    vshl.i32 \to, \x, #24 - 8 * \k
    .if \k
    vand \to, \to, q7
    .endif
    .endif
    .endm

    .macro fourth k part to
    element \k q3 q0
    element \k q4 q1
    vqrdmlash.s32 q3, q2, r6
    vqrdmlah.s32 q3, q4, r5
    vshl.s32 q3, r7
    vqmovn\part\().s32 \to, q3
    .endm

    .macro sum16 name, clamp
FUNCTION \name
    push {r4-r9, lr}
    vpush {d8-d15}
    .if \clamp
    ldrd r8, r9, [r0, #20]
    .endif
    mov r12, r1
    ldm r0, {r0, r4, r5, r6, r7} /* length, a_mult, b_mult, offset, shift */
    vdup.32 q2, r4
    vmov.i32 q7, #0xff000000
1:
    vctp.8 r0
    vpstt
    vldrbt.8 q0, [r12], #16
    vldrbt.8 q1, [r2], #16
    fourth 0 b q5
    fourth 1 b q6
    fourth 2 t q5
    fourth 3 t q6
    vqmovnb.s16 q5, q5
    vqmovnt.s16 q5, q6
    .if \clamp
    vdup.8 q3, r8
    vmax.s8 q5, q5, q3
    vdup.8 q3, r9
    vmin.s8 q5, q5, q3
    .endif
    vpst
    vstrbt.8 q5, [r3], #16
    subs r0, r0, #16
    bgt 1b
    vpop {d8-d15}
    pop {r4-r9, pc}
END \name
    .endm

#ifdef __OPTIMIZE_SIZE__
    sum4 ep_add_s8_arm_mve, 1
    sum4 ep_add_saturate_s8_arm_mve, 0
#else
    sum16 ep_add_s8_arm_mve, 1
    sum16 ep_add_saturate_s8_arm_mve, 0
#endif
