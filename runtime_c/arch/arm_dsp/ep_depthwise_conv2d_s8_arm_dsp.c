#include "ep_depthwise_conv2d_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

typedef ep_depthwise_conv2d_s8_arm_dsp_params params;

static EP_NOINLINE void fill(uint32_t *to, int32_t words, uint32_t value)
{
    for (int32_t i = 0; i < words; i++) {
        to[i] = value;
    }
}

/* Four channels of one pixel. */
static inline void widen_pixel(const int8_t *x, ep_lane *to, int32_t plane)
{
    to[0] = x[0];
    to[plane] = x[1];
    to[2 * plane] = x[2];
    to[3 * plane] = x[3];
}

/* Four channels of two pixels; `to` is word-aligned. */
static inline void widen_pixels(const int8_t *x, int32_t step, ep_lane *to, int32_t plane)
{
    const uint32_t a = ep_load4(x);
    const uint32_t b = ep_load4(x + step);
    const uint32_t a02 = ep_even_bytes(a);
    const uint32_t a13 = ep_odd_bytes(a);
    const uint32_t b02 = ep_even_bytes(b);
    const uint32_t b13 = ep_odd_bytes(b);
    *(ep_word *)to = ep_low_halves(a02, b02);
    *(ep_word *)(to + plane) = ep_low_halves(a13, b13);
    *(ep_word *)(to + 2 * plane) = ep_high_halves(a02, b02);
    *(ep_word *)(to + 3 * plane) = ep_high_halves(a13, b13);
}

/* `rows` rows of `count` pixels of four channels into four planes; `to` is the first pixel's place. */
static void widen4(const params *p, const int8_t *x, int32_t rows, int32_t count, ep_lane *to,
                   int32_t plane)
{
    const int32_t step = p->in_c;
    const int32_t before = p->pad_left % 2; /* then the first pixel is the high half of a word */
    const int32_t pairs = (count - before) / 2;
    const int32_t after = count - before - 2 * pairs;
    const int32_t next = (p->in_w - count) * step;
    for (; rows > 0; rows--) {
        ep_lane *at = to;
        if (before) {
            widen_pixel(x, at, plane);
            x += step;
            at++;
        }
        for (int32_t i = pairs; i > 0; i--) {
            widen_pixels(x, step, at, plane);
            x += 2 * step;
            at += 2;
        }
        if (after) {
            widen_pixel(x, at, plane);
            x += step;
        }
        x += next;
        to += p->pitch;
    }
}

/* One channel of them. */
static void widen1(const params *p, const int8_t *x, int32_t rows, int32_t count, ep_lane *to)
{
    for (; rows > 0; rows--) {
        for (int32_t i = 0; i < count; i++) {
            to[i] = x[i * p->in_c];
        }
        x += p->in_w * p->in_c;
        to += p->pitch;
    }
}

/* `rows` input rows from `top` on, of up to four channels from x on, into the planes; the border
 * columns are there already. */
static void load_band(const params *p, const int8_t *x, int32_t channels, int32_t top, int32_t rows,
                      uint32_t *to, int32_t plane_words)
{
    const uint32_t border = ep_pair(p->zero, p->zero);
    const int32_t row_words = p->pitch / 2;
    int32_t above = top < 0 ? -top : 0;
    above = above < rows ? above : rows;
    int32_t inside = p->in_h - top - above;
    inside = inside < rows - above ? inside : rows - above;
    inside = inside > 0 ? inside : 0;
    for (int32_t k = 0; k < channels; k++) {
        fill(to + k * plane_words, above * row_words, border);
        fill(to + k * plane_words + (above + inside) * row_words, (rows - above - inside) * row_words,
             border);
    }
    int32_t count = p->pitch - p->pad_left;
    count = count < p->in_w ? count : p->in_w;
    ep_lane *lanes = (ep_lane *)(to + above * row_words) + p->pad_left;
    x += (top + above) * p->in_w * p->in_c;
    if (channels == 4 && count > 0) {
        widen4(p, x, inside, count, lanes, 2 * plane_words);
        return;
    }
    for (int32_t k = 0; k < channels; k++) {
        widen1(p, x + k, inside, count, lanes + 2 * k * plane_words);
    }
}

void ep_depthwise_conv2d_s8_arm_dsp(const params *p, const int8_t *w, const int32_t *table,
                                    const int8_t *x, void *scratch, int8_t *y)
{
    uint32_t *const planes = scratch;
    const int32_t band_in = (p->band_rows - 1) * p->stride_h + 3;
    const int32_t plane_words = band_in * p->pitch / 2;
    const int32_t out_c = p->in_c * p->multiplier;
    fill(planes, 4 * plane_words, ep_pair(p->zero, p->zero));
    for (int32_t c = 0; c < p->in_c; c += 4) {
        const int32_t channels = p->in_c - c < 4 ? p->in_c - c : 4;
        for (int32_t oy = 0; oy < p->out_h; oy += p->band_rows) {
            const int32_t rows = p->out_h - oy < p->band_rows ? p->out_h - oy : p->band_rows;
            load_band(p, x + c, channels, oy * p->stride_h - p->pad_top, (rows - 1) * p->stride_h + 3,
                      planes, plane_words);
            ep_arm_dsp_band band = {planes, rows, p->twice_zero};
            int32_t channel = c * p->multiplier;
            for (int32_t k = 0; k < channels; k++) {
                for (int32_t m = 0; m < p->multiplier; m++, channel++) {
                    p->run(&band, w + channel * 9, table + channel * 3,
                           y + oy * p->out_w * out_c + channel);
                }
                band.plane += plane_words;
            }
        }
    }
}
