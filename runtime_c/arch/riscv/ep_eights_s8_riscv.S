/* SPDX-License-Identifier: Apache-2.0 */
/* ep_eights_s8_riscv.h */
#include "ep_riscv_function.inc"

    /* offsets of ep_eights_riscv */
    .set E_X, 0
    .set E_END, 4
    .set E_SUMS, 8
    .set E_W, 12
    .set E_RUNS, 16
    .set E_BIAS, 20
    .set E_MULT, 24
    .set E_SHIFT, 28
    .set E_ZERO, 32
    .set E_LOW, 36
    .set E_HIGH, 40
    .set E_Y, 44
    .set E_LAST, 48

    /* offsets from sp */
    .set F_SUMS, 0
    .set F_E, 32

    /* The input \x times four channels: to \even those of the word's even bytes, to \odd the others. */
    .macro WORD first at x even odd
    lw t2, \at(a1)
    and t3, t2, a4
    srli t2, t2, 8
    .if \first
    mul \even, t3, \x
    mul \odd, t2, \x
    .else
    mul t3, t3, \x
    mul t2, t2, \x
    add \even, \even, t3
    add \odd, \odd, t2
    .endif
    .endm

    .macro INPUT first at x
    WORD \first, 8 * \at, \x, s8, s9
    WORD \first, 8 * \at + 4, \x, s10, s11
    .endm

    /* \even without what was added joins \sums, which gathers both sums as one number and 2^15, and
       \high, which gathers the upper one. */
    .macro APART even without sums high
    sub \even, \even, \without
    add \sums, \sums, \even
    srai \even, \even, 16
    add \high, \high, \even
    .endm

    /* t0, t1: what was added. */
    .macro GATHER even odd a c b d
    APART \even, t0, \a, \c
    slli \even, \even, 8
    sub \odd, \odd, \even
    APART \odd, t1, \b, \d
    .endm

    .macro GATHER_ALL
    GATHER s8, s9, s0, s1, s2, s3
    GATHER s10, s11, s4, s5, s6, s7
    .endm

    /* \sums, \high -> two sums; ra: what is too much in \sums. */
    .macro CHANNELS sums high first second
    sub \sums, \sums, ra
    slli t0, \high, 16
    sub \sums, \sums, t0
    sw \sums, F_SUMS + 4 * \first(sp)
    sw \high, F_SUMS + 4 * \second(sp)
    .endm

FUNCTION ep_eights_s8_riscv
    PUSH_ALL
    addi sp, sp, -32
    sw a0, F_E(sp)
    lw a1, E_W(a0)
    lw a5, E_RUNS(a0)
    li a4, 0x00ff00ff
1:
    lw t0, F_E(sp)
    lw a0, E_X(t0)
    lw a2, E_SUMS(t0)
    lw a6, E_END(t0)
    .irp r, s0, s1, s2, s3, s4, s5, s6, s7, ra
    li \r, 0
    .endr
2:
    lbu t0, 0(a5)
    addi a5, a5, 1
    add ra, ra, t0
    slli t0, t0, 3
    add a3, a0, t0
    beqz t0, 4f
3:
    lb t0, 0(a0)
    lb t1, 1(a0)
    INPUT 1, 0, t0
    lb t0, 2(a0)
    INPUT 0, 1, t1
    lb t1, 3(a0)
    INPUT 0, 2, t0
    lb t0, 4(a0)
    INPUT 0, 3, t1
    lb t1, 5(a0)
    INPUT 0, 4, t0
    lb t0, 6(a0)
    INPUT 0, 5, t1
    lb t1, 7(a0)
    INPUT 0, 6, t0
    lw t0, 0(a2)
    INPUT 0, 7, t1
    lw t1, 4(a2)
    addi a0, a0, 8
    addi a1, a1, 64
    addi a2, a2, 8
    GATHER_ALL
    bne a0, a3, 3b
4:
    beq a0, a6, 6f
    addi a3, a0, 8
    addi a2, a2, 8
5:
    lb t0, 0(a0)
    lb t1, 1(a0)
    INPUT 1, 0, t0
    INPUT 0, 1, t1
    add t0, t0, t1
    slli t1, t0, 15
    slli t2, t0, 23
    slli t0, t0, 7
    add t0, t0, t2
    lui t2, 8
    sub t0, t0, t2
    add t1, t1, t0
    addi a0, a0, 2
    addi a1, a1, 16
    addi ra, ra, 1
    GATHER_ALL
    bne a0, a3, 5b
    j 2b
6:
    slli ra, ra, 15
    CHANNELS s0, s1, 0, 2
    CHANNELS s2, s3, 1, 3
    CHANNELS s4, s5, 4, 6
    CHANNELS s6, s7, 5, 7
    lw a0, F_E(sp)
    lw s0, E_BIAS(a0)
    lw s1, E_MULT(a0)
    lw s2, E_SHIFT(a0)
    lw s3, E_ZERO(a0)
    slli s3, s3, 1
    addi s3, s3, 1
    lw s4, E_LOW(a0)
    lw s5, E_HIGH(a0)
    lw s6, E_Y(a0)
    lw s7, E_LAST(a0)
    addi a2, sp, F_SUMS
    addi a3, s6, 8
    bltu a3, s7, 7f
    mv a3, s7
7:
    lw a6, 0(a2)
    lw t0, 0(s0)
    lb t1, 0(s2)
    add a6, a6, t0
    lw t0, 0(s1)
    ROUNDING t1, t2, s3
    RESULT_ONCE a6, t0, t1, t2, s4, s5
    sb a6, 0(s6)
    addi a2, a2, 4
    addi s0, s0, 4
    addi s1, s1, 4
    addi s2, s2, 1
    addi s6, s6, 1
    bne s6, a3, 7b
    sw s0, E_BIAS(a0)
    sw s1, E_MULT(a0)
    sw s2, E_SHIFT(a0)
    sw s6, E_Y(a0)
    bne s6, s7, 1b
    addi sp, sp, 32
    POP_ALL
END ep_eights_s8_riscv
