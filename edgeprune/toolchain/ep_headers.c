/* SPDX-License-Identifier: MIT */
/* The system headers that the package's C includes: as a compiler reads them they say which they
 * are. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __has_include(<math.h>)
#include <math.h>
#endif
#if __has_include(<avr/io.h>)
#include <avr/io.h>
#endif
