/* SPDX-License-Identifier: Apache-2.0 */
/* int8 convolution, block by block of output rows: what a block reads is widened once, then for four output
 * channels at a time the weights are copied beside it, and tiles of two pixels times these channels go over
 * the block. So weights are read from flash once a block, not once a tile, and a step of sixteen
 * multiplications has four loads in one go: two words of weights, two of activations.
 *
 * Channels are paired as in the narrow form of ep_arm_dsp_tile.h, which has the arithmetic too. */
#ifndef EP_CONV2D_BLOCK_S8_ARM_DSP_H
#define EP_CONV2D_BLOCK_S8_ARM_DSP_H

#include "ep_arm_dsp_once.h"

/* Four channels over the tiles of a block. */
typedef struct {
    const int32_t *staged; /* [4] biases of A, A + 256 B, C, C + 256 D; [steps][2] weights (A B), (C D);
                            * [4][3] multiplier, shift - 1, rounding constant */
    const int32_t *end;    /* of the weights */
    int32_t lead;          /* bytes of the steps that the first round leaves out */
    int8_t *y;
    int32_t pitch;         /* bytes from the outputs of a pixel to those of the next */
    const uint32_t *x_end; /* of the last tile */
    const uint32_t *x;     /* [tiles][steps][2] */
} ep_arm_dsp_four;

typedef void ep_arm_dsp_block(const ep_arm_dsp_four *four);

typedef struct {
    int16_t in_h;
    int16_t in_w;
    int16_t in_c;
    int16_t out_h;
    int16_t out_w;
    int16_t out_c; /* even, 4 or more */
    int16_t pitch; /* bytes from one output pixel to the next, out_c or more */
    int16_t kernel_h;
    int16_t stride_h;
    int16_t stride_w;
    int16_t dilation_h;
    int16_t pad_top;
    int16_t pad_left;
    int16_t zero;       /* input zero point: the value of the border */
    int16_t twice_zero; /* 2 * output zero point + 1 */
    int16_t run;        /* bytes of a row of the kernel */
    int16_t steps;      /* words of a pixel's activations: kernel_h * ((run + 1) / 2) */
    int16_t rows;       /* output rows of a block */
    int16_t bordered_w; /* columns of a block with its border; 0: no window reaches beyond the image */
    int16_t more;       /* that rounding constants of B and D have in addition */
    int16_t lead;       /* see ep_arm_dsp_four */
    ep_arm_dsp_block *block;
} ep_conv2d_block_s8_arm_dsp_params;

/* As ep_conv2d_s8, bit for bit. Columns are not dilated, and there is one group.
 *
 * w        packed by the compiler: pairs of output channels, kernel rows, pairs of a row's bytes, as
 *          ep_arm_dsp_tile.h has channels of a plane; an odd last byte has a zero beside it
 * table    per pair, see ep_arm_dsp_tile.h
 * x        int8 [in_h][in_w][in_c]
 * scratch  int32 [4 + 2 * steps + 12], uint32 [tiles of a block][steps][2], where bordered_w then
 *          int8 [(rows - 1) * stride_h + (kernel_h - 1) * dilation_h + 1][bordered_w][in_c]
 * y        int8 [out_h][out_w][out_c], pixels pitch apart */
void ep_conv2d_block_s8_arm_dsp(const ep_conv2d_block_s8_arm_dsp_params *p, const void *w, const int32_t *table,
                                const int8_t *x, void *scratch, int8_t *y);

/* Registers: r0 weights, r1 activations, both 8 bytes behind so that the last loads of a round move them; r2 r3
 * activations of two pixels, r4 r5 two words of weights, r6 to r9 sums of A B C D for the first pixel, r10 to
 * r12 and lr for the second. A round is `unroll` steps, 16 at the most, of 48 bytes (the last one more), and is entered in the
 * middle. Frame: 0 first round of the weights, 4 lead, 8 biases, 24 end of the weights, 28 y, 32 pitch, 36 end of the
 * activations, 40 entry. */
__asm__(
    EP_ONCE("BLOCK")
    ".syntax unified\n"
    ".macro ep_block_pair w, a0, b0, a1, b1\n"
    " smlad \\b0, \\w, r2, \\b0\n"
    " smlad \\b1, \\w, r3, \\b1\n"
    " sxtb16 \\w, \\w\n"
    " smlad \\a0, \\w, r2, \\a0\n"
    " smlad \\a1, \\w, r3, \\a1\n"
    ".endm\n"
    ".macro ep_block_step at, back\n"
    " ldr r3, [r1, #\\at + 4]\n"
    " ldr r2, [r1, #\\at]\\back\n"
    " ldr r5, [r0, #\\at + 4]\n"
    " ldr r4, [r0, #\\at]\\back\n"
    " ep_block_pair r4, r6, r7, r10, r11\n"
    " ep_block_pair r5, r8, r9, r12, lr\n"
    ".endm\n"
    /* r2 multiplier, r3 shift - 1, r4 rounding constant; form: what the register holds, 1: a; 0: a or 256 a that
     * is multiplied as it is; -1: 256 a */
    ".macro ep_block_output acc, form, mode, lo, hi\n"
    " .if \\form > 0\n"
    " lsls \\acc, \\acc, #1\n"
    " .elseif \\form < 0\n"
    " asrs \\acc, \\acc, #7\n"
    " .endif\n"
    " .if \\form == 0\n"
    " smmla \\acc, \\acc, r2, r4\n"
    " .elseif \\mode == 0\n"
    " add r5, r4, \\acc, asr #31\n"
    " smmlar \\acc, \\acc, r2, r5\n"
    " .else\n"
    " smmlar \\acc, \\acc, r2, r4\n"
    " .endif\n"
    " asrs \\acc, \\acc, r3\n"
    " ep_saturate \\acc, \\lo, \\hi\n"
    ".endm\n"
    ".macro ep_block_channels a0, b0, a1, b1, form_a, form_b, mode, lo, hi\n"
    " subs \\b0, \\b0, \\a0\n" /* 256 B = (A + 256 B) - A */
    " subs \\b1, \\b1, \\a1\n"
    " ldm r0!, {r2, r3, r4}\n"
    " ep_block_output \\a0, \\form_a, \\mode, \\lo, \\hi\n"
    " ep_block_output \\a1, \\form_a, \\mode, \\lo, \\hi\n"
    " ldm r0!, {r2, r3, r4}\n"
    " ep_block_output \\b0, \\form_b, \\mode, \\lo, \\hi\n"
    " ep_block_output \\b1, \\form_b, \\mode, \\lo, \\hi\n"
    ".endm\n"
    ".macro ep_block name, unroll, mode, lo, hi\n"
    EP_ASM_BEGIN
    " push {r4-r11, lr}\n"
    " sub sp, sp, #44\n"
    " ldm r0, {r4-r10}\n"
    " sub r1, r10, #8\n"
    " ldm r4!, {r0, r2, r3, r11}\n"
    " add r12, sp, #8\n"
    " stm r12!, {r0, r2, r3, r11}\n"
    " subs r4, r4, r6\n"
    " subs r4, #8\n"
    " strd r4, r6, [sp]\n"
    " adr r0, 2f\n"
    " add r0, r0, r6, lsl #2\n"
    " add r0, r0, r6, lsl #1\n"
    " orr r10, r0, #1\n"
    " sub r5, r5, #8\n"
    " sub r9, r9, #8\n"
    " stm r12, {r5, r7-r10}\n"
    " b.w 1f\n"
    " .balign 4\n"
    "2:\n"
    " .set EP_at, 8\n"
    " .rept \\unroll - 1\n"
    " ep_block_step EP_at\n"
    " .set EP_at, EP_at + 8\n"
    " .endr\n"
    " ep_block_step EP_at, !\n"
    " ldr r2, [sp, #24]\n"
    " cmp r0, r2\n"
    " bne.w 2b\n"
    " adds r0, #8\n"
    " .set EP_a, 1\n"
    " .set EP_b, 0\n"
    " .if \\mode == 0\n"
    " .set EP_b, -1\n"
    " .elseif \\mode == 2\n"
    " .set EP_a, 0\n"
    " .endif\n"
    " ep_block_channels r6, r7, r10, r11, EP_a, EP_b, \\mode, \\lo, \\hi\n"
    " ep_block_channels r8, r9, r12, lr, EP_a, EP_b, \\mode, \\lo, \\hi\n"
    " ldr r2, [sp, #28]\n"
    " ldr r4, [sp, #32]\n"
    " ldr r5, [sp, #36]\n"
    " adds r3, r2, r4\n"
    " adds r4, r3, r4\n"
    " str r4, [sp, #28]\n"
    " strb r6, [r2]\n"
    " strb r7, [r2, #1]\n"
    " strb r8, [r2, #2]\n"
    " strb r9, [r2, #3]\n"
    " strb r10, [r3]\n"
    " strb r11, [r3, #1]\n"
    " strb r12, [r3, #2]\n"
    " strb lr, [r3, #3]\n"
    " cmp r1, r5\n"
    " beq 3f\n"
    "1:\n"
    " ldm sp, {r0, r2, r6-r9}\n"
    " mov r10, r6\n"
    " mov r11, r7\n"
    " mov r12, r8\n"
    " mov lr, r9\n"
    " subs r1, r1, r2\n"
    " ldr pc, [sp, #40]\n"
    "3:\n"
    " add sp, sp, #44\n"
    " pop {r4-r11, pc}\n"
    EP_ASM_END
    ".endm\n"
    EP_ONCE_END);

#define EP_ARM_DSP_BLOCK(name, constants) \
    ep_arm_dsp_block name;                \
    __asm__(".syntax unified\n.ifndef " #name "\nep_block " #name ", " constants "\n.endif\n")

#endif
