/* SPDX-License-Identifier: MIT */
/* The system headers that the package's C includes: as a compiler reads them they say which they
 * are. */
#include <stddef.h>
#include <stdint.h>

#if __has_include(<string.h>)
#include <string.h>
#endif
#if __has_include(<math.h>)
#include <math.h>
#endif
#if __has_include(<inttypes.h>)
#include <inttypes.h>
#endif
#if __has_include(<signal.h>)
#include <signal.h>
#endif
#if __has_include(<stdbool.h>)
#include <stdbool.h>
#endif
#if __has_include(<stdio.h>)
#include <stdio.h>
#endif
#if __has_include(<stdlib.h>)
#include <stdlib.h>
#endif
#if __has_include(<avr/io.h>)
#include <avr/io.h>
#endif
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif
