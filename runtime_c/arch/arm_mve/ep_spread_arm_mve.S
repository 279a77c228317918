/* ep_spread_arm_mve.h: sixteen bytes of every pixel, then the next sixteen.
 *
 * r0 to, r1 step, r2 from, r3 count, r4 bytes that are left, r5 bytes. */
    .syntax unified
    .thumb
    .section .text.ep_spread_arm_mve, "ax", %progbits
    .global ep_spread_arm_mve
    .type ep_spread_arm_mve, %function
    .thumb_func
ep_spread_arm_mve:
    push {r4-r7, lr}
    ldr r4, [sp, #20]
    mov r5, r4
1:
    vctp.8 r4
    mov r6, r0
    mov r7, r2
    dls lr, r3
2:
    vpstt
    vldrbt.8 q0, [r7]
    vstrbt.8 q0, [r6]
    add r7, r7, r5
    add r6, r6, r1
    le lr, 2b
    adds r0, r0, #16
    adds r2, r2, #16
    subs r4, r4, #16
    bgt 1b
    pop {r4-r7, pc}
    .size ep_spread_arm_mve, . - ep_spread_arm_mve
