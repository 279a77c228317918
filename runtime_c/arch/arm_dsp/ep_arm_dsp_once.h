/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of the assembler are defined once, also where the compiler puts several files into one; what a macro
 * that makes a function of a layer, called `name`, begins and ends with; and what every requantisation ends with. */
#ifndef EP_ARM_DSP_ONCE_H
#define EP_ARM_DSP_ONCE_H

#include <stdint.h>

#define EP_ONCE(name) ".ifndef EP_ONCE_" name "\n.set EP_ONCE_" name ", 1\n"
#define EP_ONCE_END ".endif\n"

#define EP_ASM_BEGIN                                  \
    " .pushsection .text.\\name, \"ax\", %progbits\n" \
    " .thumb\n"                                      \
    " .balign 4\n"                                   \
    " .type \\name, %function\n"                     \
    " .thumb_func\n"                                 \
    "\\name:\n"
#define EP_ASM_END " .size \\name, . - \\name\n .popsection\n"

__asm__(
    EP_ONCE("SATURATE")
    ".syntax unified\n"
    /* A layer's limits, of which those of int8 are met already. */
    ".macro ep_clamp acc, lo, hi\n"
    " .if \\lo > -128\n"
    " cmp \\acc, #\\lo\n"
    " it lt\n"
    " movlt \\acc, #\\lo\n"
    " .endif\n"
    " .if \\hi < 127\n"
    " cmp \\acc, #\\hi\n"
    " it gt\n"
    " movgt \\acc, #\\hi\n"
    " .endif\n"
    ".endm\n"
    /* The last bit of the shift, as part of the saturation to int8, and the limits. */
    ".macro ep_saturate acc, lo, hi\n"
    " .if \\lo == -128 || \\hi == 127\n"
    " ssat \\acc, #8, \\acc, asr #1\n"
    " .else\n"
    " asr \\acc, \\acc, #1\n"
    " .endif\n"
    " ep_clamp \\acc, \\lo, \\hi\n"
    ".endm\n"
    EP_ONCE_END);

#endif
