/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_AUDIO_FEATURES_H
#define EP_AUDIO_FEATURES_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

typedef struct {
    int32_t samples;
    int32_t window_shift; /* fractional bits of the window, [0, 15] */
    int32_t bits;         /* the transform is of 2^(bits + 1) points, at least as many as samples */
    int32_t first;        /* the first energy that is computed, and the one behind the last */
    int32_t last;
    int32_t bands;
    int32_t weights;   /* of all bands */
    int32_t smoothing; /* share of a new value in the estimate of noise, of even bands */
    int32_t odd_smoothing;
    int32_t kept; /* likewise of the old estimate */
    int32_t odd_kept;
    int32_t floor;      /* share of a value that is left in any case */
    int32_t share_bits; /* fractional bits of shares, [0, 16] */
    int32_t noise_bits; /* further bits of the estimate, [0, 16] */
    int32_t clamps;     /* whether an estimate falls to a value below it */
    int32_t snr_shift;  /* [0, 31] */
    int32_t log_shift;  /* [0, 31] */
    int32_t log_scale;  /* [1, 2048] */
    int32_t factor;     /* (log * factor + added) / divisor + offset; within int32 */
    int32_t added;
    int32_t divisor;
    int32_t offset;
} ep_audio_features_s16_s8_params;

/* Features of a frame of sound: TFLite Micro's signal operators in one.
 *
 * The frame is windowed and scaled up by so many bits as its largest sample allows; energies of its
 * transform (ep_energy.h) are summed in bands; their roots, scaled down again, lose what is
 * noise, are multiplied by a gain that falls with the noise, shrunk (x^2 / 4 below 2, else x - 1),
 * and their natural logarithms are scaled to int8.
 *
 * window  int16 [samples]
 * roots   int16, see ep_energy.h
 * weights int16 [2][weights]: into the band, and into the next one
 * groups  int16 [3][bands + 1]: first energy, first weight and width; group 0 is of no band
 * gains   int16 [125]: of noise 0 and 1, then four numbers a power of two
 * logs    int16 [129]: log2(1 + k / 128) - k / 128 in Q0.16
 * x       int16 [samples]
 * noise   int8  [4][bands]: bytes of the estimate, the low ones first
 * scratch 8 * 2^bits + 4 bytes, aligned to 4
 * y       int8  [5][bands]: features, then the estimate behind the frame; may be none of the others */
void ep_audio_features_s16_s8(const ep_audio_features_s16_s8_params *p, const int16_t *window,
                              const int16_t *roots, const int16_t *weights, const int16_t *groups,
                              const int16_t *gains, const int16_t *logs, const int16_t *x,
                              const int8_t *noise, void *scratch, int8_t *y);

EP_EXTERN_C_END
#endif
