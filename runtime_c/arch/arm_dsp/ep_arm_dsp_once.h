/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of the assembler are defined once, also where the compiler puts several files into one. */
#ifndef EP_ARM_DSP_ONCE_H
#define EP_ARM_DSP_ONCE_H

#include <stdint.h>

#define EP_ONCE(name) ".ifndef EP_ONCE_" name "\n.set EP_ONCE_" name ", 1\n"
#define EP_ONCE_END ".endif\n"

#endif
