/* SPDX-License-Identifier: Apache-2.0 */
/* ep_depthwise_channels_arm_mve.h: lanes are channels.
 *
 * Two products of int8 fit into int16 together. What two of them are is added to sums of 32 bits, which are in
 * q4 q5 of even channels, q6 q7 of odd ones: even lanes are widened, odd ones are the upper half of a product
 * with 2^15 doubled.
 *
 * r0 r1 r2 window, r3 weights, r4 table, r5 output, r6 its step, r7 2^15, r8 128; the predicate: channels. */
#include "ep_arm_function.inc"

    .equ MIDDLE, 64 /* of weights and table: all of both is within reach of it */
    .equ LANES, 16
    .equ BIAS, 0 - MIDDLE
    .equ MULTIPLIER, 64 - MIDDLE
    .equ SHIFT, 128 - MIDDLE

    .macro weights to tap
    vldrb.8 \to, [r3, #LANES * \tap - MIDDLE]
    .endm

    /* Places of a row are read in the order 1 2 0: the last one moves on. */
    .macro place to row at
    .if \at
    vldrb.8 \to, [\row, #LANES * \at]
    .else
    vldrb.8 \to, [\row], #STEP
    .endif
    .endm

    .macro products row at tap
    place q0 \row \at
    weights q1 \tap
    vmullb.s8 q2, q0, q1
    vmullt.s8 q3, q0, q1
    .endm

    .macro sums
    vqdmlah.s32 q5, q2, r7
    vmovlb.s16 q2, q2
    vadd.i32 q4, q4, q2
    vqdmlah.s32 q7, q3, r7
    vmovlb.s16 q3, q3
    vadd.i32 q6, q6, q3
    .endm

    /* The second place, which is not the last one of its row, is read once more: there is no register for it. */
    .macro two row at tap row2 at2 tap2
    products \row \at \tap
    place q0 \row2 \at2
    weights q1 \tap2
    vmullb.s8 q0, q0, q1
    vadd.i16 q2, q2, q0
    place q0 \row2 \at2
    vmullt.s8 q0, q0, q1
    vadd.i16 q3, q3, q0
    sums
    .endm

    .macro rescale acc k
    vldrw.32 q0, [r4, #MULTIPLIER + 16 * \k]
    vldrb.s32 q1, [r4, #SHIFT + 4 * \k]
    vqrdmulh.s32 \acc, \acc, q0
    vrshl.s32 \acc, \acc, q1
    .endm

    .macro line name
FUNCTION \name
    push {r4-r8, lr}
    vpush {d8-d15}
    ldm r0, {r0-r8}
    vctp.8 r8
    dls lr, r7
    mov r7, #0x8000
    movs r8, #128
    adds r3, r3, #MIDDLE
    adds r4, r4, #MIDDLE
1:
    products r0 1 1
    place q4 r0 2
    weights q5 2
    vmullb.s8 q6, q4, q5
    vmullt.s8 q7, q4, q5
    vadd.i16 q2, q2, q6
    vadd.i16 q3, q3, q7
    vldrw.32 q4, [r4, #BIAS]
    vldrw.32 q5, [r4, #BIAS + 16]
    vldrw.32 q6, [r4, #BIAS + 32]
    vldrw.32 q7, [r4, #BIAS + 48]
    sums
    two r0 0 0 r1 1 4
    two r1 2 5 r2 1 7
    two r1 0 3 r2 2 8
    products r2 0 6
    sums
    rescale q4 0
    rescale q5 1
    rescale q6 2
    rescale q7 3
    vqmovnb.s32 q4, q4
    vqmovnt.s32 q4, q5
    vqmovnb.s32 q6, q6
    vqmovnt.s32 q6, q7
    vqmovunb.s16 q4, q4
    vqmovunt.s16 q4, q6
    vadd.i8 q4, q4, r8
    vpst
    vstrbt.8 q4, [r5]
    add r5, r5, r6
    le lr, 1b
    vpop {d8-d15}
    pop {r4-r8, pc}
END \name
    .endm

    .set STEP, LANES
    line ep_depthwise_channels_arm_mve
    .set STEP, 2 * LANES
    line ep_depthwise_channels_strided_arm_mve
