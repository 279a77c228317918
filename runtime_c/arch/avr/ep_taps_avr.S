/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __AVR__

#include "ep_sums_avr.inc"

/* Sums of four channels that have inputs of their own. */
.macro ep_taps name, load
    ep_begin \name
1:  ld r20, X+
    ep_mac \load, r2, r3, r4, r5
    ld r20, X+
    ep_mac \load, r6, r7, r8, r9
    ld r20, X+
    ep_mac \load, r10, r11, r12, r13
    ld r20, X+
    ep_mac \load, r14, r15, r16, r17
    add r26, r22
    adc r27, r23
    ep_end \name
.endm

    ep_taps ep_taps_flash_avr, lpm
    ep_taps ep_taps_avr, ld

#endif
