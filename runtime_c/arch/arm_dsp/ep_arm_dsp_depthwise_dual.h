/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of outputs of a 3x3 depthwise convolution with column strides of 1, for cores that begin two instructions
 * together: neither two products nor two accesses of memory, and what a load or a product made two cycles later.
 * So a word is loaded beside the last product of the one that it takes the place of, and the ends of both
 * outputs go through each other. Registers as in ep_depthwise_conv2d_s8_arm_dsp.h. */
#ifndef EP_ARM_DSP_DEPTHWISE_DUAL_H
#define EP_ARM_DSP_DEPTHWISE_DUAL_H

#include "ep_arm_dsp_once.h"

__asm__(
    EP_ONCE("DEPTHWISE_DUAL")
    ".syntax unified\n"
    /* A kernel row, whose words are in r11 and r12; then there are those at `at` bytes from `from`. */
    ".macro ep_dw_dual_row p, q, sum0, sum1, from, at\n"
    " smlad r9, r11, \\p, \\sum0\n"
    " smlatb r10, r11, \\p, \\sum1\n"
    " ldr r11, [\\from, #\\at]\n"
    " smlabt r9, r12, \\q, r9\n"
    " smlad r10, r12, \\q, r10\n"
    " ldr r12, [\\from, #\\at + 4]\n"
    ".endm\n"
    /* `count` pairs of outputs; leaves EP_x and EP_y behind them. */
    ".macro ep_dw_dual count, pitch, c, lo, hi\n"
    " .set EP_x, 0\n"
    " .set EP_y, 0\n"
    " ldr r11, [r0]\n"
    " ldr r12, [r0, #4]\n"
    " .rept \\count\n"
    " ep_dw_dual_row r3, r4, r1, r1, r0, EP_x+\\pitch\n"
    " ep_dw_dual_row r5, r6, r9, r10, r0, EP_x+2*\\pitch\n"
    " ep_dw_dual_row r7, r8, r9, r10, sp, 0\n"
    " smmlar r9, r9, r11, r12\n"
    " smmlar r10, r10, r11, r12\n"
    " .set EP_x, EP_x + 4\n"
    " asr r9, r9, r2\n"
    " .if EP_x < 4 * \\count\n"
    " ldr r11, [r0, #EP_x]\n"
    " .endif\n"
    " asr r10, r10, r2\n"
    " .if \\lo == -128 || \\hi == 127\n"
    " ssat r9, #8, r9\n"
    " .endif\n"
    " .if EP_x < 4 * \\count\n"
    " ldr r12, [r0, #EP_x + 4]\n"
    " .endif\n"
    " .if \\lo == -128 || \\hi == 127\n"
    " ssat r10, #8, r10\n"
    " .endif\n"
    " ep_clamp r9, \\lo, \\hi\n"
    " ep_clamp r10, \\lo, \\hi\n"
    " strb r9, [lr, #EP_y]\n"
    " strb r10, [lr, #EP_y + \\c]\n"
    " .set EP_y, EP_y + 2 * \\c\n"
    " .endr\n"
    ".endm\n"
    EP_ONCE_END);

#endif
