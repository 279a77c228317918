/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of the assembler are defined once, also where the compiler puts several files into one; and what
 * a macro that makes a function of a layer, called `name`, begins and ends with. */
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

#endif
