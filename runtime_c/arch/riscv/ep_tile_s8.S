/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile_blocks_s8 of ep_tile.h for RISC-V: eight sums share the loads of inputs. Not where the
 * compiler was asked for small code. */
#include "ep_riscv_function.inc"

    /* The element of x at a0 + \i times four channels at \w. */
    .macro FOUR i w a b c d
    lb t1, 4 * \i(\w)
    lb t2, 4 * \i + 1(\w)
    lb t3, 4 * \i + 2(\w)
    lb t4, 4 * \i + 3(\w)
    mul t1, t1, t0
    mul t2, t2, t0
    mul t3, t3, t0
    mul t4, t4, t0
    add \a, \a, t1
    add \b, \b, t2
    add \c, \c, t3
    add \d, \d, t4
    .endm

    .macro STEP i
    lb t0, \i(a0)
    FOUR \i, a1, a5, a6, a7, t5
    FOUR \i, a2, s0, s1, s2, s3
    .endm

    .macro STEPS n
    addi a0, a0, \n
    addi a1, a1, 4 * \n
    addi a2, a2, 4 * \n
    .endm

#ifndef __OPTIMIZE_SIZE__
    /* t6: where x ends, a4: where it ends by fours. */
FUNCTION ep_tile_blocks_s8
    addi sp, sp, -16
    .irp i, 0, 1, 2, 3
    sw s\i, 4 * \i(sp)
    .endr
    add t6, a0, a2
    andi a4, a2, ~3
    add a4, a4, a0
    slli a2, a2, 2
    add a2, a2, a1
    .irp r, a5, a6, a7, t5, s0, s1, s2, s3
    li \r, 0
    .endr
    beq a0, a4, 2f
1:
    STEP 0
    STEP 1
    STEP 2
    STEP 3
    STEPS 4
    bne a0, a4, 1b
2:
    beq a0, t6, 4f
3:
    STEP 0
    STEPS 1
    bne a0, t6, 3b
4:
    .irp r, a5, a6, a7, t5, s0, s1, s2, s3
    sw \r, 0(a3)
    addi a3, a3, 4
    .endr
    .irp i, 0, 1, 2, 3
    lw s\i, 4 * \i(sp)
    .endr
    addi sp, sp, 16
    ret
END ep_tile_blocks_s8
#endif
