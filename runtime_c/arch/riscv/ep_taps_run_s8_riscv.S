/* SPDX-License-Identifier: Apache-2.0 */
/* ep_taps_run_s8_riscv.h */
#include "ep_riscv_function.inc"

    /* offsets of ep_taps_run_riscv */
    .set R_X, 0
    .set R_W, 4
    .set R_BIAS, 8
    .set R_MULT, 12
    .set R_SHIFT, 16
    .set R_ZERO, 20
    .set R_LOW, 24
    .set R_HIGH, 28
    .set R_Y, 32
    .set R_LAST, 36
    .set R_TAPS, 40
    .set R_STEP, 44
    .set R_NEXT, 48
    .set R_PITCH, 52

    /* Inputs of a channel at two positions times its weight t0. */
    .macro TWO at x x1 sum sum1
    lb t1, \at(\x)
    lb t2, \at(\x1)
    mul t1, t1, t0
    mul t2, t2, t0
    add \sum, \sum, t1
    add \sum1, \sum1, t2
    .endm

    /* A tap of a channel: weights at a4, positions at a0 to a3. */
    .macro TAP4 at a b c d
    lb t0, \at(a4)
    TWO \at, a0, a1, \a, \b
    TWO \at, a2, a3, \c, \d
    .endm

    .macro TAP1 at a
    lb t0, \at(a4)
    lb t1, \at(a0)
    mul t1, t1, t0
    add \a, \a, t1
    .endm

    /* The end of a channel: t6: the run, ra: 2 * zero + 1, a1, a2: limits, a6: pitch, a4: the weights. */
    .macro CHANNEL at first rest:vararg
    lw a5, R_BIAS(t6)
    lw a3, R_MULT(t6)
    lw t1, R_SHIFT(t6)
    lw a5, 4 * \at(a5)
    lw t0, 4 * \at(a3)
    lb t1, \at(t1)
    ROUNDING t1, t2, ra
    lw a3, R_Y(t6)
    add \first, \first, a5
    RESULT \first, t0, t1, t2, a0, a1, a2
    sb \first, \at(a3)
    .ifnb \rest
    .irp sum, \rest
    add \sum, \sum, a5
    add a3, a3, a6
    RESULT \sum, t0, t1, t2, a0, a1, a2
    sb \sum, \at(a3)
    .endr
    .endif
    .endm

    /* Before the taps of four channels: a0: x, a4, a5: weights and their end, a6: the step. */
    .macro BEGIN
    lw a4, R_W(t6)
    lw a5, R_TAPS(t6)
    add a5, a5, a4
    lw a6, R_STEP(t6)
    lw a0, R_X(t6)
    addi t1, a0, 4
    sw t1, R_X(t6)
    .endm

    .macro NEXT_TAP
    addi a4, a4, 4
    add a0, a0, a6
    .endm

    /* Before their ends. */
    .macro ENDS
    sw a4, R_W(t6)
    lw ra, R_ZERO(t6)
    slli ra, ra, 1
    addi ra, ra, 1
    lw a1, R_LOW(t6)
    lw a2, R_HIGH(t6)
    lw a6, R_PITCH(t6)
    .endm

    /* On to the next four; branches to \begin where there are some. */
    .macro MOVE begin
    .irp at, R_BIAS, R_MULT
    lw a0, \at(t6)
    addi a0, a0, 16
    sw a0, \at(t6)
    .endr
    lw a0, R_SHIFT(t6)
    addi a0, a0, 4
    sw a0, R_SHIFT(t6)
    lw a0, R_Y(t6)
    addi a0, a0, 4
    sw a0, R_Y(t6)
    lw a1, R_LAST(t6)
    beq a0, a1, 7f
    j \begin
7:
    .endm

FUNCTION ep_taps_four_s8_riscv
    PUSH_ALL
    mv t6, a0
1:
    BEGIN
    lw t1, R_NEXT(t6)
    add a1, a0, t1
    add a2, a1, t1
    add a3, a2, t1
    .irp r, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, a7, t3, t4, t5
    li \r, 0
    .endr
2:
    TAP4 0, s0, s1, s2, s3
    TAP4 1, s4, s5, s6, s7
    TAP4 2, s8, s9, s10, s11
    TAP4 3, a7, t3, t4, t5
    NEXT_TAP
    add a1, a1, a6
    add a2, a2, a6
    add a3, a3, a6
    bne a4, a5, 2b
    ENDS
    CHANNEL 0, s0, s1, s2, s3
    CHANNEL 1, s4, s5, s6, s7
    CHANNEL 2, s8, s9, s10, s11
    CHANNEL 3, a7, t3, t4, t5
    MOVE 1b
    POP_ALL
END ep_taps_four_s8_riscv

FUNCTION ep_taps_one_s8_riscv
    PUSH_ALL
    mv t6, a0
1:
    BEGIN
    .irp r, s0, s1, s2, s3
    li \r, 0
    .endr
2:
    TAP1 0, s0
    TAP1 1, s1
    TAP1 2, s2
    TAP1 3, s3
    NEXT_TAP
    bne a4, a5, 2b
    ENDS
    CHANNEL 0, s0
    CHANNEL 1, s1
    CHANNEL 2, s2
    CHANNEL 3, s3
    MOVE 1b
    POP_ALL
END ep_taps_one_s8_riscv
