/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_audio_features.h"

#include "ep_energy.h"

static int32_t bit_length(uint32_t v)
{
    int32_t n = 0;
    while (v != 0) {
        v >>= 1;
        n++;
    }
    return n;
}

/* Windows the frame, pads it with zeros, and scales it up by the bits that are returned. The largest
 * sample is held in int16, where -32768 has no magnitude. */
static int32_t framed(const ep_audio_features_s16_s8_params *p, const int16_t *window,
                      const int16_t *x, int16_t *samples)
{
    int32_t top = 0;
    for (int32_t i = 0; i < p->samples; i++) {
        const int32_t v = ((int32_t)x[i] * window[i]) >> p->window_shift;
        const int32_t limited = ep_limit(v, -32768L, 32767);
        samples[i] = (int16_t)limited;
        const int32_t turned = limited == -32768L ? limited : -limited;
        top = limited > top ? limited : (-limited > top ? turned : top);
    }
    const int32_t bits = top > 0 ? 15 - bit_length((uint32_t)top) : 0;
    for (int32_t i = 0; i < p->samples; i++) {
        samples[i] = (int16_t)(uint16_t)((uint32_t)samples[i] << bits);
    }
    for (int32_t i = p->samples; i < (int32_t)2 << p->bits; i++) {
        samples[i] = 0;
        EP_STAY();
    }
    return bits;
}

/* Adds products of weights and energies. */
static uint64_t banked(const int16_t *weights, const uint32_t *energies, int32_t n)
{
    uint64_t total = 0;
    for (int32_t i = 0; i < n; i++) {
        total += (uint64_t)(uint32_t)weights[i] * energies[i];
    }
    return total;
}

/* The square root, rounded; of numbers below 2^32 at most 65535. */
static uint32_t root(uint64_t v)
{
    const uint64_t most = (v >> 32) == 0 ? 65535u : 0xFFFFFFFFu;
    uint64_t made = 0, bit = (uint64_t)1 << 62;
    while (bit > v) {
        bit >>= 2;
    }
    while (bit != 0) {
        if (v >= made + bit) {
            v -= made + bit;
            made = (made >> 1) + bit;
        } else {
            made >>= 1;
        }
        bit >>= 2;
    }
    return (uint32_t)(v > made && made != most ? made + 1 : made);
}

/* The value of a band without its noise, and the new estimate of that. */
static uint32_t without_noise(const ep_audio_features_s16_s8_params *p, int32_t band, uint32_t v,
                              uint32_t *noise)
{
    const int32_t odd = band & 1;
    const uint32_t taken = (uint32_t)(odd != 0 ? p->odd_smoothing : p->smoothing);
    const uint32_t kept = (uint32_t)(odd != 0 ? p->odd_kept : p->kept);
    const uint32_t signal = v << p->noise_bits;
    const uint64_t mixed = (uint64_t)signal * taken + (uint64_t)*noise * kept;
    uint32_t estimate = (uint32_t)(mixed >> p->share_bits);
    *noise = estimate;
    if (estimate > signal) {
        estimate = signal;
        *noise = p->clamps != 0 ? estimate : *noise;
    }
    const uint32_t least = (uint32_t)(((uint64_t)v * (uint32_t)p->floor) >> p->share_bits);
    const uint32_t left = (signal - estimate) >> p->noise_bits;
    return left > least ? left : least;
}

/* The gain of a band by its noise, on parabolas between powers of two. */
static uint32_t gain_of(const int16_t *gains, uint32_t noise)
{
    if (noise <= 2u) {
        return (uint32_t)gains[noise];
    }
    const int32_t bits = bit_length(noise);
    const int16_t *const at = gains + 4 * bits - 6;
    const uint32_t shifted = bits < 11 ? noise << (11 - bits) : noise >> (bits - 11);
    const int32_t part = (int32_t)(shifted & 0x3FFu);
    const int32_t bent = ((at[2] * part) >> 5) + at[1] * (int32_t)32;
    const int32_t made = ((bent * part + (1 << 14)) >> 15) + at[0];
    return (uint32_t)(int16_t)(uint16_t)((uint32_t)made & 0xFFFFu);
}

static uint32_t shrunk(uint32_t ratio)
{
    return ratio < 8192u ? (ratio * ratio) >> 20 : (ratio >> 6) - 64u;
}

/* The natural logarithm, scaled. */
static int32_t logarithm(const int16_t *logs, uint32_t v, uint32_t scale)
{
    if (v <= 1u) {
        return 0;
    }
    const int32_t whole = bit_length(v) - 1;
    const uint32_t rest = v - ((uint32_t)1 << whole);
    const int32_t part = (int32_t)(whole < 16 ? rest << (16 - whole) : rest >> (whole - 16));
    const int16_t *const at = logs + (part >> 9);
    const int32_t bent = ((at[1] - at[0]) * (part & 511)) >> 16;
    const uint32_t binary = ((uint32_t)whole << 16) + (uint32_t)(part + at[0] + bent);
    const uint32_t natural = (uint32_t)(((uint64_t)45426u * binary + 32768u) >> 16);
    const uint32_t made = (scale * natural + 32768u) >> 16;
    return made < 32767u ? (int32_t)made : 32767;
}

static uint32_t read_word(const int8_t *at, int32_t apart)
{
    uint32_t v = 0;
    for (int32_t k = 3; k >= 0; k--) {
        v = (v << 8) | (uint8_t)at[k * apart];
    }
    return v;
}

static void write_word(int8_t *at, int32_t apart, uint32_t v)
{
    for (int32_t k = 0; k < 4; k++) {
        at[k * apart] = (int8_t)(uint8_t)((v >> (8 * k)) & 255u);
    }
}

void ep_audio_features_s16_s8(const ep_audio_features_s16_s8_params *p, const int16_t *window,
                              const int16_t *roots, const int16_t *weights, const int16_t *groups,
                              const int16_t *gains, const int16_t *logs, const int16_t *x,
                              const int8_t *noise, void *scratch, int8_t *y)
{
    const int32_t n = (int32_t)1 << p->bits, c = p->bands;
    uint32_t *const energies = (uint32_t *)scratch;
    int16_t *const samples = (int16_t *)scratch, *const points = samples + 2 * n + 2;
    const int32_t bits = framed(p, window, x, samples);
    ep_energy_s16(p->bits, roots, samples, points, p->first, p->last, energies);
    const int16_t *const begins = groups + c + 1, *const widths = begins + c + 1;
    uint64_t carried = 0;
    for (int32_t i = 0; i <= c; i++) {
        const uint32_t *const at = energies + groups[i];
        const uint64_t total = carried + banked(weights + begins[i], at, widths[i]);
        carried = banked(weights + p->weights + begins[i], at, widths[i]);
        if (i > 0) {
            const int32_t band = i - 1;
            uint32_t estimate = read_word(noise + band, c);
            const uint32_t v = without_noise(p, band, root(total) >> bits, &estimate);
            write_word(y + c + band, c, estimate);
            const uint64_t ratio = ((uint64_t)v * gain_of(gains, estimate)) >> p->snr_shift;
            const uint32_t gained = shrunk((uint32_t)ratio) << p->log_shift;
            const int32_t log = logarithm(logs, gained, (uint32_t)p->log_scale);
            const int32_t made = (log * p->factor + p->added) / p->divisor + p->offset;
            y[band] = (int8_t)ep_limit(made, -128, 127);
        }
    }
}
