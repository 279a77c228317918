/* SPDX-License-Identifier: Apache-2.0 */
/* Small at any level: the time goes into the assembly that is called here. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("Os")
#endif

#include "ep_conv2d_block_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

typedef ep_conv2d_block_s8_arm_dsp_params block_params;

/* What the rows of the kernel read for two pixels. */
typedef struct {
    const int8_t *a; /* of the first pixel */
    const int8_t *b; /* of the second */
    int32_t fours;   /* of a row */
    int32_t rows;    /* at least one */
    int32_t skip;    /* bytes from behind a row to the next */
    int32_t rest;    /* bytes of a row behind its fours */
} two_runs;

/* Their activations; returns what follows. r0 r1 runs, r2 fours of a row, r3 rows left, r8 rest, r12 bytes to the
 * next, lr where they go, r9 pairs of fours left; four bytes each in r4 r5, then r10 r11. */
static EP_NOINLINE uint32_t *widen_two(const two_runs *runs, uint32_t *to)
{
    register const two_runs *r0 __asm__("r0") = runs;
    register uint32_t *r1 __asm__("r1") = to;
    __asm__ volatile(
        ".macro ep_widen_fours a, b\n"
        " sxtb16 r6, \\a, ror #8\n"
        " sxtb16 r7, \\b, ror #8\n"
        " sxtb16 r4, \\a\n"
        " sxtb16 r5, \\b\n"
        " stm lr!, {r4-r7}\n"
        ".endm\n"
        " push {r7, r11}\n"
        " mov lr, r1\n"
        " add r8, r0, #16\n"
        " ldm r0, {r0-r3}\n"
        " ldrd r12, r8, [r8]\n"
        "1:\n"
        " lsrs r9, r2, #1\n"
        " bcc 2f\n"
        " ldr r4, [r0], #4\n"
        " ldr r5, [r1], #4\n"
        " ep_widen_fours r4, r5\n"
        "2:\n"
        " beq 3f\n"
        "4:\n" /* loads side by side take a cycle each */
        " ldr r4, [r0], #4\n"
        " ldr r5, [r1], #4\n"
        " ldr r10, [r0], #4\n"
        " ldr r11, [r1], #4\n"
        " ep_widen_fours r4, r5\n"
        " ep_widen_fours r10, r11\n"
        " subs r9, r9, #1\n"
        " bne 4b\n"
        "3:\n"
        " cmp r8, #1\n"
        " blt 7f\n"
        " ittee gt\n"
        " ldrhgt r4, [r0]\n"
        " ldrhgt r5, [r1]\n"
        " ldrble r4, [r0]\n"
        " ldrble r5, [r1]\n"
        " add r0, r0, r8\n"
        " add r1, r1, r8\n"
        " cmp r8, #2\n"
        " itt eq\n" /* its second byte where that of a second channel of three is */
        " orreq r4, r4, r4, lsl #8\n"
        " orreq r5, r5, r5, lsl #8\n"
        " ittt gt\n"
        " ldrbgt r6, [r0, #-1]\n"
        " ldrbgt r7, [r1, #-1]\n"
        " orrgt r4, r4, r6, lsl #16\n"
        " it gt\n"
        " orrgt r5, r5, r7, lsl #16\n"
        " sxtb16 r6, r4, ror #8\n"
        " sxtb16 r7, r5, ror #8\n"
        " sxtb16 r4, r4\n"
        " sxtb16 r5, r5\n"
        " stm lr!, {r4, r5}\n"
        " it gt\n"
        " stmgt lr!, {r6, r7}\n"
        "7:\n"
        " add r0, r0, r12\n"
        " add r1, r1, r12\n"
        " subs r3, r3, #1\n"
        " bne 1b\n"
        " mov r0, lr\n"
        " pop {r7, r11}\n"
        ".purgem ep_widen_fours\n"
        : "+r"(r0), "+r"(r1)
        :
        : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "cc", "memory");
    return (uint32_t *)(uintptr_t)r0;
}

/* What `pixels` output pixels read, two and two; x: what the first row of them does, rows row_bytes apart. */
static EP_NOINLINE void widen(const block_params *p, const int8_t *x, int32_t row_bytes, int32_t pixels,
                              uint32_t *to)
{
    const int32_t next = p->stride_w * p->in_c;
    const int8_t *at = x;
    int32_t left = p->out_w;
    for (; pixels > 0; pixels -= 2) {
        const int8_t *pair[2];
        for (int32_t k = 0; k < 2; k++) {
            pair[k] = at;
            at += next;
            if (--left == 0) {
                left = p->out_w;
                x += p->stride_h * row_bytes;
                at = x;
            }
        }
        const two_runs runs = {pair[0],     pixels > 1 ? pair[1] : pair[0],     p->run / 4,
                               p->kernel_h, p->dilation_h * row_bytes - p->run, p->run % 4};
        to = widen_two(&runs, to);
    }
}

static EP_NOINLINE void fill_bytes(int8_t *to, int32_t bytes, int32_t value)
{
    for (; bytes > 0; bytes--) {
        *to++ = (int8_t)value;
    }
}

static EP_NOINLINE void copy_bytes(int8_t *to, const int8_t *from, int32_t bytes)
{
    for (; bytes >= 16; bytes -= 16) { /* loads side by side take a cycle each */
        const uint32_t a = ep_load4(from);
        const uint32_t b = ep_load4(from + 4);
        const uint32_t c = ep_load4(from + 8);
        const uint32_t d = ep_load4(from + 12);
        from += 16;
        ep_store4(to, a);
        ep_store4(to + 4, b);
        ep_store4(to + 8, c);
        ep_store4(to + 12, d);
        to += 16;
    }
    for (; bytes > 0; bytes--) {
        *to++ = *from++;
    }
}

/* `rows` rows of input from row `top` on, with their border. */
static EP_NOINLINE void load_rows(const block_params *p, const int8_t *x, int32_t top, int32_t rows, int8_t *to)
{
    const int32_t row_bytes = p->bordered_w * p->in_c;
    const int32_t before = p->pad_left * p->in_c < row_bytes ? p->pad_left * p->in_c : row_bytes;
    int32_t inside = p->in_w * p->in_c;
    inside = inside < row_bytes - before ? inside : row_bytes - before;
    for (int32_t iy = top; iy < top + rows; iy++, to += row_bytes) {
        if (iy < 0 || iy >= p->in_h) {
            fill_bytes(to, row_bytes, p->zero);
            continue;
        }
        fill_bytes(to, before, p->zero);
        copy_bytes(to + before, x + iy * p->in_w * p->in_c, inside);
        fill_bytes(to + before + inside, row_bytes - before - inside, p->zero);
    }
}

/* The constants of four channels, two pairs, in the order of the loop: biases, the words of the weights of one pair
 * and the other by turns, then the rest of the table. Short, so that it stays in an instruction cache beside the loop.
 * r0 and r1 weights, or table, r2 words left, r3 where they go, r12 and lr what makes rounding constants. */
static EP_NOINLINE void stage(const block_params *p, const int32_t *w, const int32_t *table, int32_t *to)
{
    register const int32_t *r0 __asm__("r0") = w;
    register const int32_t *r1 __asm__("r1") = table;
    register int32_t r2 __asm__("r2") = p->steps;
    register int32_t *r3 __asm__("r3") = to;
    register int32_t r12 __asm__("r12") = p->twice_zero;
    register int32_t lr __asm__("lr") = p->more;
    __asm__ volatile(
        " push {r1, r7, r11}\n"
        " ldrd r4, r5, [r1]\n"
        " ldrd r6, r7, [r1, #24]\n"
        " stm r3!, {r4-r7}\n"
        " add r1, r0, r2, lsl #2\n"
        " subs r2, r2, #4\n"
        " blt 2f\n"
        "1:\n"
        " ldm r0!, {r4, r6, r8, r10}\n"
        " ldm r1!, {r5, r7, r9, r11}\n"
        " stm r3!, {r4-r11}\n"
        " subs r2, r2, #4\n"
        " bge 1b\n"
        "2:\n"
        " adds r2, r2, #4\n"
        " beq 4f\n"
        "3:\n"
        " ldr r4, [r0], #4\n"
        " ldr r5, [r1], #4\n"
        " stm r3!, {r4, r5}\n"
        " subs r2, r2, #1\n"
        " bne 3b\n"
        "4:\n"
        " pop {r1, r7, r11}\n"
        "5:\n"
        " adds r1, r1, #8\n"
        " ldm r1!, {r4, r5, r8, r9}\n" /* multiplier and shift of one channel and the other */
        " lsl r6, r12, r5\n"
        " lsl r10, r12, r9\n"
        " add r10, r10, lr\n"
        " stm r3!, {r4-r6, r8-r10}\n"
        " mvns r2, r2\n" /* twice */
        " bne 5b\n"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
        : "r"(r12), "r"(lr)
        : "r4", "r5", "r6", "r8", "r9", "r10", "cc", "memory");
}

/* All channels of `pixels` pixels. */
static void multiply(const block_params *p, const int32_t *w, const int32_t *table, int32_t pixels, int32_t *staged,
                     const uint32_t *x, int8_t *y)
{
    const int32_t tile = 2 * p->steps;
    const uint32_t *const x_end = x + pixels / 2 * tile;
    ep_arm_dsp_four four = {staged, staged + 4 + tile, p->lead, y, p->pitch, x_end, x};
    for (int32_t left = p->out_c; left > 0; left -= 4) {
        if (left == 2) { /* the two before them a second time */
            w -= p->steps;
            table -= 6;
            y -= 2;
        }
        stage(p, w, table, staged);
        four.y = y;
        if (x != x_end) {
            p->block(&four);
        }
        if (pixels % 2 != 0) {
            int8_t none[8]; /* the outputs of the last pixel and of nothing */
            const ep_arm_dsp_four last = {staged, four.end, p->lead, none, 4, x_end + tile, x_end};
            p->block(&last);
            int8_t *const to = y + (pixels - 1) * p->pitch;
            for (int32_t k = 0; k < 4; k++) {
                to[k] = none[k];
            }
        }
        w += tile;
        table += 12;
        y += 4;
    }
}

void ep_conv2d_block_s8_arm_dsp(const block_params *p, const void *w, const int32_t *table, const int8_t *x,
                                void *scratch, int8_t *y)
{
    const int32_t reach = (p->kernel_h - 1) * p->dilation_h + 1;
    int32_t *const staged = scratch;
    uint32_t *const wide = (uint32_t *)staged + 16 + 2 * p->steps;
    int8_t *const bordered = (int8_t *)(wide + (p->rows * p->out_w + 1) / 2 * p->steps * 2);
    for (int32_t oy = 0; oy < p->out_h; oy += p->rows) {
        const int32_t rows = p->out_h - oy < p->rows ? p->out_h - oy : p->rows;
        const int8_t *from = x + oy * p->stride_h * p->in_w * p->in_c;
        int32_t row_bytes = p->in_w * p->in_c;
        if (p->bordered_w > 0) {
            load_rows(p, x, oy * p->stride_h - p->pad_top, (rows - 1) * p->stride_h + reach, bordered);
            from = bordered;
            row_bytes = p->bordered_w * p->in_c;
        }
        widen(p, from, row_bytes, rows * p->out_w, wide);
        multiply(p, w, table, rows * p->out_w, staged, wide, y + oy * p->out_w * p->pitch);
    }
}
