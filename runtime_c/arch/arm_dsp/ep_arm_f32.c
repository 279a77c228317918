/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_arm_f32.h"

#ifndef __ARM_FP /* a core without an FPU */

void ep_arm_f32_vector(const float *x, const float *w, int32_t n, float *sums)
{
    for (; n > 0; n--, x++, w += 4) {
        for (int32_t c = 0; c < 4; c++) {
            sums[c] += x[0] * w[c];
        }
    }
}

void ep_arm_f32_tile(const float *x, const float *w, int32_t n, float *sums)
{
    for (; n > 0; n--, x += 4, w += 4) {
        for (int32_t i = 0; i < 4; i++) {
            for (int32_t c = 0; c < 4; c++) {
                sums[4 * i + c] += x[i] * w[c];
            }
        }
    }
}

#else

/* x in s0 to s7, w in s8 to s23, sums in s24 to s27. */
__asm__(
    ".syntax unified\n"
    ".macro ep_f32_products v, w0, w1, w2, w3\n"
    " vfma.f32 s24, \\v, \\w0\n"
    " vfma.f32 s25, \\v, \\w1\n"
    " vfma.f32 s26, \\v, \\w2\n"
    " vfma.f32 s27, \\v, \\w3\n"
    ".endm\n"
    " .pushsection .text.ep_arm_f32_vector, \"ax\", %progbits\n"
    " .thumb\n"
    " .balign 4\n"
    " .global ep_arm_f32_vector\n"
    " .type ep_arm_f32_vector, %function\n"
    " .thumb_func\n"
    "ep_arm_f32_vector:\n"
    " vpush {s16-s27}\n"
    " vldm r3, {s24-s27}\n"
    " subs r2, r2, #8\n"
    " blt 2f\n"
    "1:\n"
    " vldm r0!, {s0-s7}\n"
    " vldm r1!, {s8-s23}\n"
    " ep_f32_products s0, s8, s9, s10, s11\n"
    " ep_f32_products s1, s12, s13, s14, s15\n"
    " ep_f32_products s2, s16, s17, s18, s19\n"
    " ep_f32_products s3, s20, s21, s22, s23\n"
    " vldm r1!, {s8-s23}\n"
    " ep_f32_products s4, s8, s9, s10, s11\n"
    " ep_f32_products s5, s12, s13, s14, s15\n"
    " ep_f32_products s6, s16, s17, s18, s19\n"
    " ep_f32_products s7, s20, s21, s22, s23\n"
    " subs r2, r2, #8\n"
    " bge 1b\n"
    "2:\n"
    " adds r2, r2, #8\n"
    " beq 4f\n"
    "3:\n"
    " vldm r0!, {s0}\n"
    " vldm r1!, {s8-s11}\n"
    " ep_f32_products s0, s8, s9, s10, s11\n"
    " subs r2, r2, #1\n"
    " bne 3b\n"
    "4:\n"
    " vstm r3, {s24-s27}\n"
    " vpop {s16-s27}\n"
    " bx lr\n"
    " .size ep_arm_f32_vector, . - ep_arm_f32_vector\n"
    " .popsection\n");

/* x in s0 to s7, w in s8 to s15, sums in s16 to s31. */
__asm__(
    ".macro ep_f32_pixel x, w0, w1, w2, w3, a, b, c, d\n"
    " vfma.f32 \\a, \\x, \\w0\n"
    " vfma.f32 \\b, \\x, \\w1\n"
    " vfma.f32 \\c, \\x, \\w2\n"
    " vfma.f32 \\d, \\x, \\w3\n"
    ".endm\n"
    ".macro ep_f32_outer x0, x1, x2, x3, w0, w1, w2, w3\n"
    " ep_f32_pixel \\x0, \\w0, \\w1, \\w2, \\w3, s16, s17, s18, s19\n"
    " ep_f32_pixel \\x1, \\w0, \\w1, \\w2, \\w3, s20, s21, s22, s23\n"
    " ep_f32_pixel \\x2, \\w0, \\w1, \\w2, \\w3, s24, s25, s26, s27\n"
    " ep_f32_pixel \\x3, \\w0, \\w1, \\w2, \\w3, s28, s29, s30, s31\n"
    ".endm\n"
    " .pushsection .text.ep_arm_f32_tile, \"ax\", %progbits\n"
    " .thumb\n"
    " .balign 4\n"
    " .global ep_arm_f32_tile\n"
    " .type ep_arm_f32_tile, %function\n"
    " .thumb_func\n"
    "ep_arm_f32_tile:\n"
    " vpush {s16-s31}\n"
    " vldm r3, {s16-s31}\n"
    " subs r2, r2, #2\n"
    " blt 2f\n"
    "1:\n"
    " vldm r0!, {s0-s7}\n"
    " vldm r1!, {s8-s15}\n"
    " ep_f32_outer s0, s1, s2, s3, s8, s9, s10, s11\n"
    " ep_f32_outer s4, s5, s6, s7, s12, s13, s14, s15\n"
    " subs r2, r2, #2\n"
    " bge.w 1b\n"
    "2:\n"
    " adds r2, r2, #2\n"
    " beq 3f\n"
    " vldm r0!, {s0-s3}\n"
    " vldm r1!, {s8-s11}\n"
    " ep_f32_outer s0, s1, s2, s3, s8, s9, s10, s11\n"
    "3:\n"
    " vstm r3, {s16-s31}\n"
    " vpop {s16-s31}\n"
    " bx lr\n"
    " .size ep_arm_f32_tile, . - ep_arm_f32_tile\n"
    " .popsection\n");

#endif
