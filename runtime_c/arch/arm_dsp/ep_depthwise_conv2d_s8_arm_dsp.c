/* SPDX-License-Identifier: Apache-2.0 */
/* Small at any level: the time goes into the assembly that is called here. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("Os")
#endif

#include "ep_depthwise_conv2d_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

typedef ep_depthwise_conv2d_s8_arm_dsp_params band_params;

/* Four words at a time. */
static EP_NOINLINE void fill_border(uint32_t *to, int32_t words, uint32_t value)
{
    register uint32_t *r0 __asm__("r0") = to;
    register int32_t r1 __asm__("r1") = words;
    register uint32_t r2 __asm__("r2") = value;
    __asm__ volatile(
        " subs r1, r1, #4\n"
        " blt 2f\n"
        " mov r3, r2\n"
        " mov r12, r2\n"
        " mov lr, r2\n"
        "1:\n"
        " subs r1, r1, #4\n"
        " stm r0!, {r2, r3, r12, lr}\n"
        " bge 1b\n"
        "2:\n"
        " adds r1, r1, #4\n"
        " beq 4f\n"
        "3:\n"
        " subs r1, r1, #1\n"
        " str r2, [r0], #4\n"
        " bne 3b\n"
        "4:\n"
        : "+r"(r0), "+r"(r1)
        : "r"(r2)
        : "r3", "r12", "lr", "cc", "memory");
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

/* Where a band's rows lie in the image and in the planes. */
typedef struct {
    int32_t offset; /* of the first pixel, */
    int32_t count;  /* and pixels of a row, that are read */
    rows4 fours;
} band_place;

/* Of `rows` input rows from `top` on. The border columns are there already; rows of border stay where there is one
 * band alone. */
static void place_band(const band_params *p, int32_t top, int32_t rows, uint32_t *to, int32_t plane_words,
                       band_place *at)
{
    const uint32_t border = ep_pair(p->zero, p->zero);
    const int32_t row_words = p->pitch / 2;
    int32_t above = top < 0 ? -top : 0;
    above = above < rows ? above : rows;
    int32_t inside = p->in_h - top - above;
    inside = inside < rows - above ? inside : rows - above;
    inside = inside > 0 ? inside : 0;
    int32_t count = p->pitch - p->pad_left;
    count = count < p->in_w ? count : p->in_w;
    const int32_t before = p->pad_left % 2; /* then the first pixel is the high half of a word */
    const int32_t pairs = (count - before) / 2;
    at->offset = (top + above) * p->x_row;
    at->count = count;
    at->fours.rows = inside;
    at->fours.step = p->x_step;
    at->fours.x_skip = p->x_row - count * p->x_step;
    at->fours.to_skip = 2 * (p->pitch - count);
    at->fours.pairs = pairs;
    at->fours.singles = before + 2 * (count - before - 2 * pairs);
    for (int32_t k = 0; k < 4; k++, to += plane_words) {
        at->fours.to[k] = (ep_lane *)(to + above * row_words) + p->pad_left;
        if (p->band_rows < p->out_h && k < p->in_c) {
            fill_border(to, above * row_words, border);
            fill_border(to + (above + inside) * row_words, (rows - above - inside) * row_words, border);
        }
    }
}

/* Up to four channels from x on into the planes. */
static void load_band(const band_params *p, const band_place *at, const int8_t *x, int32_t channels)
{
    x += at->offset;
    if (channels == 4 && at->count > 0 && at->fours.rows > 0) {
        widen_rows(x, &at->fours);
        return;
    }
    for (int32_t k = 0; k < channels; k++) {
        widen_channel(p, x + k, at->fours.rows, at->count, at->fours.to[k]);
    }
}

void ep_depthwise_conv2d_s8_arm_dsp(const band_params *p, const int8_t *w, const int32_t *table,
                                    const int8_t *x, void *scratch, int8_t *y)
{
    uint32_t *const planes = scratch;
    const int32_t plane_words = p->band_in * p->pitch / 2;
    band_place at;
    fill_border(planes, (p->in_c < 4 ? p->in_c : 4) * plane_words, ep_pair(p->zero, p->zero));
    for (int32_t c = 0; c < p->in_c; c += 4) {
        const int32_t channels = p->in_c - c < 4 ? p->in_c - c : 4;
        for (int32_t oy = 0; oy < p->out_h; oy += p->band_rows) {
            const int32_t rows = p->out_h - oy < p->band_rows ? p->out_h - oy : p->band_rows;
            if (c == 0 || p->band_rows < p->out_h) {
                place_band(p, oy * p->stride_h - p->pad_top,
                           p->band_in - (p->band_rows - rows) * p->stride_h, planes, plane_words, &at);
            }
            load_band(p, &at, x + c, channels);
            ep_arm_dsp_band band = {.plane = planes, .rows = rows, .twice_zero = 2 * p->y_zero + 1};
            /* Those of one input channel read the same plane. */
            band.step = p->multiplier == 1 ? 4 * plane_words : 0;
            int32_t channel = c * p->multiplier;
            const int32_t end = (c + channels) * p->multiplier;
            while (channel < end) {
                const int32_t filter = channel % p->filters;
                int32_t alike = p->multiplier == 1 ? end - channel : p->multiplier;
                alike = alike < p->filters - filter ? alike : p->filters - filter;
                band.channels = alike;
                p->run(&band, w + filter * p->taps, table + filter * 3, y + oy * p->y_row + channel);
                channel += alike;
                band.plane += p->multiplier == 1 ? 0 : plane_words;
            }
        }
    }
}
