/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __AVR__

#include "ep_sums_avr.inc"

/* Sums of four channels that read the same inputs. */
.macro ep_block name, load
    ep_begin \name
1:  ld r20, X+
    ep_mac \load, r2, r3, r4, r5
    ep_mac \load, r6, r7, r8, r9
    ep_mac \load, r10, r11, r12, r13
    ep_mac \load, r14, r15, r16, r17
    ep_end \name
.endm

    ep_block ep_block_flash_avr, lpm
    ep_block ep_block_avr, ld

#endif
