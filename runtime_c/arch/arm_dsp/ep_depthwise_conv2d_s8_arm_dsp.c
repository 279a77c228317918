/* SPDX-License-Identifier: Apache-2.0 */
/* Small at any level: the time goes into the assembly that is called here. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("Os")
#endif

#include "ep_depthwise_conv2d_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

typedef ep_depthwise_conv2d_s8_arm_dsp_params band_params;

static EP_NOINLINE void fill_border(uint32_t *to, int32_t words, uint32_t value)
{
    for (int32_t i = 0; i < words; i++) {
        to[i] = value;
    }
}

/* Rows of four channels and where they go: the places of their first pixel in four planes. */
typedef struct {
    int32_t rows;
    int32_t step;    /* bytes from one pixel to the next */
    int32_t x_skip;  /* bytes from behind the last pixel of a row to the first of the next */
    int32_t to_skip; /* the same in the planes */
    int32_t pairs;   /* pixels two at a time, */
    int32_t singles; /* bit 0: behind one alone, bit 1: before one alone */
    ep_lane *to[4];
} rows4;

/* r0 pixel, r1 step, r2 to r5 places in the planes, r12 rows left, lr the description. */
static EP_NOINLINE void widen_rows(const int8_t *x, const rows4 *rows)
{
    register const int8_t *r0 __asm__("r0") = x;
    register const rows4 *r1 __asm__("r1") = rows;
    __asm__ volatile(
        ".macro ep_widen_pixel\n"
        " ldrsb r6, [r0]\n"
        " ldrsb r8, [r0, #1]\n"
        " ldrsb r9, [r0, #2]\n"
        " ldrsb r10, [r0, #3]\n"
        " add r0, r0, r1\n"
        " strh r6, [r2], #2\n"
        " strh r8, [r3], #2\n"
        " strh r9, [r4], #2\n"
        " strh r10, [r5], #2\n"
        ".endm\n"
        " push {r7, r11}\n"
        " mov lr, r1\n"
        " add r1, lr, #24\n"
        " ldm r1, {r2-r5}\n"
        " ldrd r12, r1, [lr]\n"
        "1:\n"
        " ldr r6, [lr, #20]\n"
        " lsls r6, r6, #31\n"
        " bpl 2f\n"
        " ep_widen_pixel\n"
        "2:\n"
        " ldr r7, [lr, #16]\n"
        " cbz r7, 4f\n"
        "3:\n"
        " ldr r8, [r0]\n"
        " ldr r9, [r0, r1]\n"
        " add r0, r0, r1, lsl #1\n"
        " sxtb16 r10, r8\n"
        " sxtb16 r8, r8, ror #8\n"
        " sxtb16 r11, r9\n"
        " sxtb16 r9, r9, ror #8\n"
        " pkhbt r6, r10, r11, lsl #16\n"
        " str r6, [r2], #4\n"
        " pkhtb r10, r11, r10, asr #16\n"
        " str r10, [r4], #4\n"
        " pkhbt r6, r8, r9, lsl #16\n"
        " str r6, [r3], #4\n"
        " pkhtb r8, r9, r8, asr #16\n"
        " str r8, [r5], #4\n"
        " subs r7, r7, #1\n"
        " bne 3b\n"
        "4:\n"
        " ldr r6, [lr, #20]\n"
        " lsls r6, r6, #31\n"
        " bcc 5f\n"
        " ep_widen_pixel\n"
        "5:\n"
        " ldrd r6, r7, [lr, #8]\n"
        " add r0, r0, r6\n"
        " add r2, r2, r7\n"
        " add r3, r3, r7\n"
        " add r4, r4, r7\n"
        " add r5, r5, r7\n"
        " subs r12, r12, #1\n"
        " bne 1b\n"
        " pop {r7, r11}\n"
        ".purgem ep_widen_pixel\n"
        : "+r"(r0), "+r"(r1)
        :
        : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "cc", "memory");
}

/* One channel of them. */
static void widen_channel(const band_params *p, const int8_t *x, int32_t rows, int32_t count, ep_lane *to)
{
    for (; rows > 0; rows--) {
        for (int32_t i = 0; i < count; i++) {
            to[i] = x[i * p->x_step];
        }
        x += p->x_row;
        to += p->pitch;
    }
}

/* `rows` input rows from `top` on, of up to four channels from x on, into the planes; the border
 * columns are there already. */
static void load_band(const band_params *p, const int8_t *x, int32_t channels, int32_t top, int32_t rows,
                      uint32_t *to, int32_t plane_words)
{
    const uint32_t border = ep_pair(p->zero, p->zero);
    const int32_t row_words = p->pitch / 2;
    int32_t above = top < 0 ? -top : 0;
    above = above < rows ? above : rows;
    int32_t inside = p->in_h - top - above;
    inside = inside < rows - above ? inside : rows - above;
    inside = inside > 0 ? inside : 0;
    for (int32_t k = 0; k < channels && p->band_rows < p->out_h; k++) { /* else it stays */
        fill_border(to + k * plane_words, above * row_words, border);
        fill_border(to + k * plane_words + (above + inside) * row_words, (rows - above - inside) * row_words,
             border);
    }
    int32_t count = p->pitch - p->pad_left;
    count = count < p->in_w ? count : p->in_w;
    ep_lane *lanes = (ep_lane *)(to + above * row_words) + p->pad_left;
    x += (top + above) * p->x_row;
    if (channels == 4 && count > 0 && inside > 0) {
        const int32_t before = p->pad_left % 2; /* then the first pixel is the high half of a word */
        const int32_t pairs = (count - before) / 2;
        const int32_t after = count - before - 2 * pairs;
        const rows4 rows_of_four = {inside,
                                    p->x_step,
                                    p->x_row - count * p->x_step,
                                    2 * (p->pitch - count),
                                    pairs,
                                    before + 2 * after,
                                    {lanes, lanes + 2 * plane_words, lanes + 4 * plane_words,
                                     lanes + 6 * plane_words}};
        widen_rows(x, &rows_of_four);
        return;
    }
    for (int32_t k = 0; k < channels; k++) {
        widen_channel(p, x + k, inside, count, lanes + 2 * k * plane_words);
    }
}

void ep_depthwise_conv2d_s8_arm_dsp(const band_params *p, const int8_t *w, const int32_t *table,
                                    const int8_t *x, void *scratch, int8_t *y)
{
    uint32_t *const planes = scratch;
    const int32_t plane_words = p->band_in * p->pitch / 2;
    fill_border(planes, (p->in_c < 4 ? p->in_c : 4) * plane_words, ep_pair(p->zero, p->zero));
    for (int32_t c = 0; c < p->in_c; c += 4) {
        const int32_t channels = p->in_c - c < 4 ? p->in_c - c : 4;
        for (int32_t oy = 0; oy < p->out_h; oy += p->band_rows) {
            const int32_t rows = p->out_h - oy < p->band_rows ? p->out_h - oy : p->band_rows;
            load_band(p, x + c, channels, oy * p->stride_h - p->pad_top,
                      p->band_in - (p->band_rows - rows) * p->stride_h,
                      planes, plane_words);
            ep_arm_dsp_band band = {planes, rows, 2 * p->y_zero + 1};
            int32_t channel = c * p->multiplier;
            for (int32_t k = 0; k < channels; k++) {
                for (int32_t m = 0; m < p->multiplier; m++, channel++) {
                    const int32_t filter = channel % p->filters;
                    p->run(&band, w + filter * p->taps, table + filter * 3, y + oy * p->y_row + channel);
                }
                band.plane += plane_words;
            }
        }
    }
}
