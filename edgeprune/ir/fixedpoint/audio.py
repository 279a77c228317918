"""Features of sound in integers, as TFLite Micro's signal operators compute them.

Source: ``signal/src`` of tflite-micro. A frame of samples is windowed, scaled up, transformed, and
its energies are summed in overlapping triangular bands; of their roots the noise is subtracted
that was estimated over time, the gain of each band follows its noise (PCAN: Wang et al. 2017,
"Trainable frontend for robust and far-field keyword spotting"), and logarithms are scaled to int8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.ir.fixedpoint.fft import real_fft, wrap16
from edgeprune.ir.fixedpoint.rounding import Int64s, Ints, bit_length

WORD = 2**32 - 1
GAINS = 125
"""Entries of a table of gains: two numbers, then four a power of two (the last has three)."""
LOG_SEGMENTS = 128
LOG_E_2 = 45426  # ln 2 in Q0.16
SNR_BITS, SHRUNK_BITS = 12, 6  # fractional bits of PCAN's ratio, and of what it makes


def log_table() -> Ints:
    """How far log2(1 + x) lies above x on [0, 1], Q0.16."""
    x = np.arange(LOG_SEGMENTS + 1) / LOG_SEGMENTS
    return np.round(65536 * (np.log2(1 + x) - x)).astype(np.int16)


@dataclass(frozen=True)
class Rules:
    """The numbers of a front end that are no tables.

    Attributes:
        window_shift: fractional bits of the window.
        fft: points of the transform, a power of two; the frame is padded with zeros.
        first: the first energy that is computed; those before are 0.
        last: the one behind the last.
        smoothing: of bands 0, 2, ..., how much of a new value goes into the estimate of noise.
        kept: of the same bands, how much of the old estimate stays.
        odd_smoothing: the same of bands 1, 3, ...
        odd_kept: likewise.
        floor: the least share of a value that subtracting noise leaves.
        share_bits: fractional bits of the five.
        noise_bits: further bits of the estimate.
        clamps: whether an estimate falls to a value that is below it.
        snr_shift: right shift of a value times its gain.
        log_shift: left shift in front of the logarithm.
        log_scale: factor on the natural logarithm.
        factor: of what the logarithm gives.
        added: to the product.
        divisor: of the sum; rounded to zero.
        offset: added in the end.
    """

    window_shift: int
    fft: int
    first: int
    last: int
    smoothing: int
    kept: int
    odd_smoothing: int
    odd_kept: int
    floor: int
    share_bits: int
    noise_bits: int
    clamps: bool
    snr_shift: int
    log_shift: int
    log_scale: int
    factor: int = 256
    added: int = 333
    divisor: int = 666
    offset: int = -128


@dataclass(frozen=True)
class Tables:
    """The tables of a front end of c bands over frames of n samples.

    Attributes:
        window: (n,) int16.
        bank: (2, weights) int16: what goes into a band, and what into the next one.
        bands: (3, c + 1) int16: first energy, first weight and width of each; band 0 is one that
            only its successor reads.
        gains: (GAINS,) int16, by noise.
    """

    window: Ints
    bank: Ints
    bands: Ints
    gains: Ints


def features(rules: Rules, tables: Tables, x: Ints, noise: Ints) -> tuple[Ints, Ints]:
    """Features of frames, int8 (batch, c), and the estimate of noise behind them.

    Args:
        rules: numbers.
        tables: tables.
        x: samples, int16 (batch, n).
        noise: uint32 (batch, c): the estimate in front of them.
    """
    windowed = (x * tables.window.astype(np.int64)) >> rules.window_shift
    scaled, bits = _scaled_up(np.clip(windowed, -(2**15), 2**15 - 1))
    energy = _energies(rules, scaled)
    values = _roots(_banked(tables, energy)) >> bits[:, None]
    left, after = _without_noise(rules, values, noise.astype(np.int64))
    gained = _gained(rules, tables.gains.astype(np.int64), left, after)
    logs = _logarithm(rules, gained)
    total = logs * rules.factor + rules.added
    made = np.sign(total) * (np.abs(total) // rules.divisor) + rules.offset
    return np.clip(made, -128, 127).astype(np.int8), after.astype(np.uint32)


def _scaled_up(x: Int64s) -> tuple[Int64s, Int64s]:
    """Frames shifted left as far as their largest sample allows, and by how many bits.

    The largest is held in int16: -32768 counts as below all others, and a frame without any sound
    is not shifted.
    """
    top = np.abs(x).max(axis=1)
    lowest = top == 2**15
    if lowest.any():
        top[lowest] = _largest(x[lowest])
    bits = np.where(top > 0, 15 - bit_length(np.maximum(top, 1)), 0)
    return wrap16(x << bits[:, None]), bits


def _largest(x: Int64s) -> Int64s:
    """The largest magnitudes of frames, found sample by sample in int16."""
    top = np.zeros(len(x), np.int64)
    for sample in x.T:
        top = np.where(sample > top, sample, np.where(-sample > top, wrap16(-sample), top))
    return top


def _energies(rules: Rules, x: Int64s) -> Int64s:
    """Squared magnitudes, (batch, fft / 2 + 1); 0 outside of those that are asked for."""
    padded = np.pad(x, ((0, 0), (0, rules.fft - x.shape[1])))
    real, imaginary = real_fft(padded)
    energy = real * real + imaginary * imaginary
    at = np.arange(energy.shape[1])
    return np.where((at >= rules.first) & (at < rules.last), energy, 0)


def _banked(tables: Tables, energy: Int64s) -> Int64s:
    """Sums of energies in bands."""
    bank = tables.bank.astype(np.int64)
    rows = []
    carried = np.zeros(len(energy), np.int64)
    for start, weight, width in tables.bands.T.astype(int).tolist():
        part, held = energy[:, start : start + width], bank[:, weight : weight + width]
        rows.append(carried + part @ held[0])
        carried = part @ held[1]
    return np.stack(rows[1:], axis=1)


def _roots(x: Int64s) -> Int64s:
    """Square roots, rounded; those of numbers below 2^32 are at most 2^16 - 1."""
    root = np.sqrt(x.astype(np.float64)).astype(np.int64)
    root -= root * root > x
    root += (root + 1) ** 2 <= x
    up = (x - root * root > root) & ~((x <= WORD) & (root == 2**16 - 1))
    return np.asarray(root + up)


def _without_noise(rules: Rules, x: Int64s, noise: Int64s) -> tuple[Int64s, Int64s]:
    """Values less what is noise in them, and the new estimate."""
    odd = np.arange(x.shape[1]) % 2 == 1
    taken = np.where(odd, rules.odd_smoothing, rules.smoothing)
    kept = np.where(odd, rules.odd_kept, rules.kept)
    signal = (x << rules.noise_bits) & WORD
    after = ((signal * taken + noise * kept) >> rules.share_bits) & WORD
    estimate = np.minimum(after, signal)
    if rules.clamps:
        after = estimate
    least = (x * rules.floor) >> rules.share_bits
    return np.maximum((signal - estimate) >> rules.noise_bits, least & WORD), after


def _gained(rules: Rules, gains: Int64s, x: Int64s, noise: Int64s) -> Int64s:
    """Values times a gain that falls with the noise, and shrunk: x^2 / 4 below 2, else x - 1."""
    bits = bit_length(noise)
    at = np.maximum(4 * bits - 6, 0)
    part = np.where(bits < 11, noise << np.maximum(11 - bits, 0), noise >> np.maximum(bits - 11, 0))
    part = part & 1023
    bent = (((gains[at + 2] * part) >> 5) + 32 * gains[at + 1]) * part
    curve = ((bent + (1 << 14)) >> 15) + gains[at]
    gain = wrap16(np.where(noise <= 2, gains[np.minimum(noise, 2)], curve))
    product = x.astype(np.uint64) * (gain & WORD).astype(np.uint64)
    ratio = (product >> np.uint64(rules.snr_shift)).astype(np.int64) & WORD
    small = (ratio * ratio) >> (2 + 2 * SNR_BITS - SHRUNK_BITS)
    large = (ratio >> (SNR_BITS - SHRUNK_BITS)) - (1 << SHRUNK_BITS)
    return np.where(ratio < 2 << SNR_BITS, small, large)


def _logarithm(rules: Rules, x: Int64s) -> Int64s:
    """Natural logarithms, scaled; 0 of numbers below 2; at most 2^15 - 1."""
    x = (x << rules.log_shift) & WORD
    table = log_table().astype(np.int64)
    whole = np.maximum(bit_length(x) - 1, 0)
    rest = x - (1 << whole)
    part = np.where(
        whole < 16, rest << np.maximum(16 - whole, 0), rest >> np.maximum(whole - 16, 0)
    )
    part = np.where(x > 0, part, 0)
    segment = part >> 9
    bent = ((table[segment + 1] - table[segment]) * (part & 511)) >> 16
    binary = (whole << 16) + part + table[segment] + bent
    natural = (LOG_E_2 * binary + (1 << 15)) >> 16
    scaled = (rules.log_scale * natural + (1 << 15)) >> 16
    return np.where(x > 1, np.minimum(scaled, 2**15 - 1), 0)
