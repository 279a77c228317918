/* SPDX-License-Identifier: Apache-2.0 */
/* ep_tile_f32_arm_mve.h. r0 inputs, r1 weights, r2 biases, r10 the ep_tile_f32, r11 channels left, r12 y;
 * r3 to r9 an input of every pixel, q0 the weights of it, q1 to q7 the sums. */
#include "ep_arm_function.inc"

    /* offsets of ep_tile_f32 */
    .set T_X, 0
    .set T_N, 4
    .set T_OUTPUTS, 8
    .set T_LAST, 12
    .set T_LOW, 20

    .macro products
    ldm r0!, {r3-r9}
    vfma.f32 q1, q0, r3
    vfma.f32 q2, q0, r4
    vfma.f32 q3, q0, r5
    vfma.f32 q4, q0, r6
    vfma.f32 q5, q0, r7
    vfma.f32 q6, q0, r8
    vfma.f32 q7, q0, r9
    .endm

    /* An input, and its weights of four channels or of those that are left. */
    .macro input products
    vldrw.u32 q0, [r1], #16
    \products
    .endm

    .macro some products
    vpst
    vldrwt.u32 q0, [r1]
    add r1, r1, r11, lsl #2
    \products
    .endm

    .macro products_of_one
    ldr r3, [r0], #28
    vfma.f32 q1, q0, r3
    .endm

    .macro limit operation bound
    vdup.32 q0, \bound
    .irp q, q1, q2, q3, q4, q5, q6, q7
    \operation \q, \q, q0
    .endr
    .endm

    /* The results of a pixel; on to the one before it. */
    .macro store sums
    vpst
    vstrwt.u32 \sums, [r5]
    subs r5, r5, r4
    .endm

FUNCTION ep_tile_f32_arm_mve
    push {r4-r11, lr}
    vpush {d8-d15}
    mov r10, r0
    mov r12, r3
    ldr r11, [r0, #T_OUTPUTS]
0:
    vctp.32 r11
    vpst
    vldrwt.u32 q1, [r2], #16
    .irp q, q2, q3, q4, q5, q6, q7
    vmov \q, q1
    .endr
    ldrd r0, r3, [r10, #T_X]
    ldr r4, [r10, #T_LAST]
    cmp r11, #4
    blt 6f
    cmp r4, #0
    beq 5f
    lsr lr, r3, #2
    wls lr, lr, 3f
2:
    input products
    input products
    input products
    input products
    le lr, 2b
3:
    ldr r3, [r10, #T_N]
    and r3, r3, #3
    wls lr, r3, 9f
4:
    input products
    le lr, 4b
    b 9f
5:
    dls lr, r3
1:
    input products_of_one
    le lr, 1b
    b 9f
6:
    dls lr, r3
    cmp r4, #0
    beq 8f
7:
    some products
    le lr, 7b
    b 9f
8:
    some products_of_one
    le lr, 8b
9:
    ldrd r3, r4, [r10, #T_LOW]
    limit vmaxnm.f32 r3
    limit vminnm.f32 r4
    ldrd r3, r4, [r10, #T_LAST]
    mla r5, r3, r4, r12
    tbb [pc, r3]
10:
    .byte (11f - 10b) / 2, (12f - 10b) / 2, (13f - 10b) / 2, (14f - 10b) / 2, (15f - 10b) / 2
    .byte (16f - 10b) / 2, (17f - 10b) / 2
    .balign 2
17: store q7
16: store q6
15: store q5
14: store q4
13: store q3
12: store q2
11: store q1
    add r12, r12, #16
    subs r11, r11, #4
    bgt 0b
    vpop {d8-d15}
    pop {r4-r11, pc}
END ep_tile_f32_arm_mve
