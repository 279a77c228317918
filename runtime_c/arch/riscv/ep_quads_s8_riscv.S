/* SPDX-License-Identifier: Apache-2.0 */
/* ep_quads_s8_riscv.h */
#include "ep_riscv_function.inc"

    /* offsets of ep_quads_riscv */
    .set Q_X, 0
    .set Q_END, 4
    .set Q_W, 8
    .set Q_LENGTH, 12
    .set Q_RUNS, 16
    .set Q_BIAS, 20
    .set Q_MULT, 24
    .set Q_SHIFT, 28
    .set Q_ZERO, 32
    .set Q_LOW, 36
    .set Q_HIGH, 40
    .set Q_Y, 44
    .set Q_LAST, 48
    .set Q_APART, 52

    /* Four weights at \w. */
    .macro WEIGHTS w a b c d
    lb \a, 0(\w)
    lb \b, 1(\w)
    lb \c, 2(\w)
    lb \d, 3(\w)
    .endm

    /* Four inputs of two positions. */
    .macro INPUTS at
    lw t0, \at(a0)
    lw t1, \at + 8(a0)
    lw t2, \at + 16(a0)
    lw t3, \at + 24(a0)
    .endm

    /* The word t4 of two sums joins \sums, which gathers both as one number, and \high, which gathers
       those of the upper half, rounded by the lower one. */
    .macro GATHER sums high
    add \sums, \sums, t4
    add t4, t4, a4
    srai t4, t4, 16
    add \high, \high, t4
    .endm

    .macro BY_FOURS a b c d sums high
    mul t4, t0, \a
    mul t5, t1, \b
    add t4, t4, t5
    mul t5, t2, \c
    add t4, t4, t5
    mul t5, t3, \d
    add t4, t4, t5
    GATHER \sums, \high
    .endm

    .macro BY_TWOS a b c d sums high
    mul t4, t0, \a
    mul t5, t1, \b
    add t4, t4, t5
    GATHER \sums, \high
    mul t4, t2, \c
    mul t5, t3, \d
    add t4, t4, t5
    GATHER \sums, \high
    .endm

    /* Four weights of two channels. */
    .macro FOUR by
    WEIGHTS a1, s0, s1, s2, s3
    INPUTS 0
    WEIGHTS a2, s4, s5, s6, s7
    \by s0, s1, s2, s3, s8, s9
    \by s4, s5, s6, s7, a5, a6
    INPUTS 4
    addi a0, a0, 32
    addi a1, a1, 4
    addi a2, a2, 4
    \by s0, s1, s2, s3, s10, s11
    \by s4, s5, s6, s7, a7, t6
    .endm

    /* The sums \sums, \high and the bias \bias -> those of two positions. */
    .macro APART sums high bias
    slli t4, \high, 16
    sub \sums, \sums, t4
    add \sums, \sums, \bias
    add \high, \high, \bias
    .endm

    /* What RESULT needs of a channel: at a0 lies its multiplier, at a3 its shift; s2: 2 * zero + 1. */
    .macro CHANNEL
    lw t0, 0(a0)
    lb t1, 0(a3)
    ROUNDING t1, t2, s2
    .endm

    .macro STORE r to
    RESULT \r, t0, t1, t2, t3, s0, s1
    sb \r, 0(\to)
    .endm

    /* A channel's results, the first position's last: positions may fall together; s3 to s6: where. */
    .macro RESULTS a b c d
    STORE \d, s6
    STORE \c, s5
    STORE \b, s4
    STORE \a, s3
    .endm

    /* a1, a2: weights of two channels, or of the last one; ra: runs; at sp: the ep_quads_riscv */
FUNCTION ep_quads_s8_riscv
    PUSH_ALL
    sw a0, 0(sp)
    lw a1, Q_W(a0)
    lw ra, Q_RUNS(a0)
    li a4, 0x8000
1:
    lw t0, Q_Y(a0)
    lw t1, Q_LAST(a0)
    sub t1, t1, t0
    sltiu t1, t1, 2
    mv a2, a1
    bnez t1, 2f
    lw t0, Q_LENGTH(a0)
    add a2, a2, t0
2:
    lw a0, Q_X(a0)
    .irp r, s8, s9, s10, s11, a5, a6, a7, t6
    li \r, 0
    .endr
3:
    lbu t0, 0(ra)
    addi ra, ra, 1
    slli t0, t0, 5
    add a3, a0, t0
    beqz t0, 5f
4:
    FOUR BY_FOURS
    bne a0, a3, 4b
5:
    lw t0, 0(sp)
    lw t0, Q_END(t0)
    beq a0, t0, 6f
    FOUR BY_TWOS
    j 3b
6:
    lw a4, 0(sp)
    mv a1, a2
    lw s2, Q_Y(a4)
    lw t1, Q_LAST(a4)
    sub t1, t1, s2
    sltiu t5, t1, 2
    xori t5, t5, 1 /* 1 where there are two channels, 0 where there is one */
    lw t0, Q_BIAS(a4)
    slli a2, t5, 2
    add t1, t0, a2
    lw t2, 0(t0)
    lw t3, 0(t1)
    addi t1, t1, 4
    sw t1, Q_BIAS(a4)
    APART s8, s9, t2
    APART s10, s11, t2
    APART a5, a6, t3
    APART a7, t6, t3
    lw t1, Q_APART(a4)
    lw t2, Q_APART + 4(a4)
    lw t3, Q_APART + 8(a4)
    mv s3, s2
    add s4, s2, t1
    add s5, s2, t2
    add s6, s2, t3
    add t1, s2, t5
    addi t1, t1, 1
    sw t1, Q_Y(a4)
    lw s2, Q_ZERO(a4)
    slli s2, s2, 1
    addi s2, s2, 1
    lw s0, Q_LOW(a4)
    lw s1, Q_HIGH(a4)
    lw a0, Q_MULT(a4)
    lw a3, Q_SHIFT(a4)
    CHANNEL
    RESULTS s8, s9, s10, s11
    add a0, a0, a2
    add a3, a3, t5
    add s3, s3, t5
    add s4, s4, t5
    add s5, s5, t5
    add s6, s6, t5
    CHANNEL
    RESULTS a5, a6, a7, t6
    addi a0, a0, 4
    addi a3, a3, 1
    sw a0, Q_MULT(a4)
    sw a3, Q_SHIFT(a4)
    mv a0, a4
    li a4, 0x8000
    lw t0, Q_Y(a0)
    lw t1, Q_LAST(a0)
    bne t0, t1, 1b
    POP_ALL
END ep_quads_s8_riscv
