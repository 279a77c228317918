/* SPDX-License-Identifier: Apache-2.0 */
/* int8 depthwise convolution of few results: an output pixel after the other, four channels at a time, straight
 * from the input. Where the taps of a pixel lie is found once for all its channels. */
#ifndef EP_DEPTHWISE_POINTS_S8_ARM_DSP_H
#define EP_DEPTHWISE_POINTS_S8_ARM_DSP_H

#include "ep_arm_dsp_quads.h"

typedef struct {
    const int8_t *const *taps; /* the first channel of each, taken two by two */
    const int8_t *const *end;  /* of the last two */
    int32_t odd;               /* whether one more follows */
    int8_t *y;
    int32_t channels;
    int32_t twice_zero; /* 2 * output zero point + 1 */
} ep_arm_dsp_point;

/* One output pixel. */
typedef void ep_arm_dsp_points(const ep_arm_dsp_point *d, const int32_t *w, const int32_t *table);

typedef struct {
    int16_t in_h;
    int16_t in_w;
    int16_t channels; /* a multiple of 4 */
    int16_t out_h;
    int16_t out_w;
    int16_t kernel_h; /* at least two taps */
    int16_t kernel_w;
    int16_t stride_h;
    int16_t stride_w;
    int16_t dilation_h;
    int16_t dilation_w;
    int16_t pad_top;
    int16_t pad_left;
    int16_t zero;       /* input zero point: the value of the border */
    int16_t twice_zero; /* 2 * output zero point + 1 */
    ep_arm_dsp_points *run;
} ep_depthwise_points_s8_arm_dsp_params;

/* As ep_depthwise_conv2d_s8, bit for bit, with as many channels in the output as in the input.
 *
 * w        for each four channels A B C D: per two taps j, k a word (Aj Bj Ak Bk) and a word (Cj Dj Ck Dk); for
 *          the last of an odd number a word (A B C D)
 * table    for each four channels: 4 biases, input zero folded in, then per channel multiplier, shift - 1
 * x        int8 [in_h][in_w][channels]
 * scratch  a pointer for each tap and, where there is a border, `channels` bytes
 * y        int8 [out_h][out_w][channels] */
void ep_depthwise_points_s8_arm_dsp(const ep_depthwise_points_s8_arm_dsp_params *p, const int32_t *w,
                                    const int32_t *table, const int8_t *x, void *scratch, int8_t *y);

/* Registers: r0 weights, r1 table, then the end of the taps, r2 channel, r3 place among the taps, r4 to r7
 * sums of four channels. Frame: 0 taps, 4 end, 8 odd, 12 output, 16 channels, 20 twice zero, 24 table. */
__asm__(
    EP_ONCE("POINTS")
    ".syntax unified\n"
    ".macro ep_depthwise_points name, mode, lo, hi\n"
    EP_ASM_BEGIN
    " push {r4-r11, lr}\n"
    " sub sp, sp, #28\n"
    " ldm r0, {r4-r9}\n"
    " mov r0, r1\n"
    " stm sp, {r4-r9}\n"
    " mov r1, r2\n"
    " movs r2, #0\n"
    "1:\n"
    " ldm r1!, {r4-r7}\n"
    " str r1, [sp, #24]\n"
    " ldrd r3, r1, [sp]\n"
    "2:\n"
    " ldrd r8, r9, [r3], #8\n"
    " ldr r8, [r8, r2]\n"
    " ldr r9, [r9, r2]\n"
    " pkhbt r10, r8, r9, lsl #16\n"
    " pkhtb r9, r9, r8, asr #16\n"
    " ldrd r8, r11, [r0], #8\n"
    " sxtb16 r12, r8\n"
    " sxtb16 lr, r10\n"
    " sxtb16 r8, r8, ror #8\n"
    " sxtb16 r10, r10, ror #8\n"
    " smlad r4, r12, lr, r4\n"
    " smlad r5, r8, r10, r5\n"
    " sxtb16 r12, r11\n"
    " sxtb16 lr, r9\n"
    " sxtb16 r11, r11, ror #8\n"
    " sxtb16 r9, r9, ror #8\n"
    " smlad r6, r12, lr, r6\n"
    " smlad r7, r11, r9, r7\n"
    " cmp r3, r1\n"
    " bne 2b\n"
    " ldr r1, [sp, #8]\n"
    " cbz r1, 3f\n"
    " ldr r3, [r3]\n"
    " ldr r8, [r0], #4\n"
    " ldr r3, [r3, r2]\n"
    " sxtb16 r9, r8\n"
    " sxtb16 r10, r3\n"
    " sxtb16 r8, r8, ror #8\n"
    " sxtb16 r3, r3, ror #8\n"
    " smlabb r4, r9, r10, r4\n"
    " smlabb r5, r8, r3, r5\n"
    " smlatt r6, r9, r10, r6\n"
    " smlatt r7, r8, r3, r7\n"
    "3:\n"
    " ldr lr, [sp, #12]\n"
    " ldrd r3, r1, [sp, #20]\n"
    " add lr, lr, r2\n"
    " ep_dense_own r4, 1, \\mode, \\lo, \\hi\n"
    " ep_dense_own r5, 1, \\mode, \\lo, \\hi\n"
    " ep_dense_own r6, 1, \\mode, \\lo, \\hi\n"
    " ep_dense_own r7, 1, \\mode, \\lo, \\hi\n"
    " ldr r3, [sp, #16]\n"
    " adds r2, r2, #4\n"
    " cmp r2, r3\n"
    " bne.w 1b\n"
    " add sp, sp, #28\n"
    " pop {r4-r11, pc}\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

#define EP_ARM_DSP_POINTS(name, constants) \
    ep_arm_dsp_points name;                \
    __asm__(".syntax unified\n.ifndef " #name "\nep_depthwise_points " #name ", " constants "\n.endif\n")

#endif
