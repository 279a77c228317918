"""Scales and biases of a layer's rows that take three bytes of flash, and are exact.

A layer rescales a row by the scale of its input times that of the row's weights over that of its
result. The weights' scales are free within a percent or so: where each is the result's scale times
a short number, (32 + m) * 2^e with five bits of m and three of e, the factor is the input's scale
times that number, to the last bit, and one multiplication makes it of a byte and of what the layer
has in common. Nothing of that shows outside: scales are float32 as ever, and all who read them
compute the same. Biases, with the input's zero point folded in, are 16 bits shifted up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir.types import QuantParams

FRACTION = 5
"""Bits of a short number behind its leading one."""
EXPONENTS = 8
"""How many exponents there are."""
BIAS_BITS = 16
SCALE_BITS = 16
"""Of an activation's scale: times a short number it is a float32."""
DOUBLE_BITS = 53
RESULTS = 256
"""Of eight bits: a sum beyond so many steps, either way, gives one that is cut off."""
STEP = 0.25
"""Of the result's steps: biases may be rounded to a multiple of so much at the most."""

Int64s = NDArray[np.int64]
Float64s = NDArray[np.float64]


def few_bits(scale: float) -> float:
    """The next scale, from this one up, whose significand has :data:`SCALE_BITS`."""
    fraction, exponent = np.frexp(scale)
    return float(np.ldexp(np.ceil(fraction * 2.0**SCALE_BITS), exponent - SCALE_BITS))


def short_scales(scale: NDArray[np.floating], result: float) -> NDArray[np.float32] | None:
    """The nearest scales that are short numbers times that of the result.

    Args:
        scale: of the weights of each row, all above 0.
        result: of the layer's result.

    Returns:
        float32; None where the rows' sizes lie too far apart, or the result's scale has too many
        bits.
    """
    ratio = scale.astype(np.float64) / result
    fraction, exponent = np.frexp(ratio)
    number = np.ldexp(np.rint(np.ldexp(fraction, FRACTION + 1)), exponent - FRACTION - 1)
    found = (number * result).astype(np.float32)
    return found if _codes(found, result) is not None else None


def short_biases(folded: Float64s | Int64s, real: Float64s) -> NDArray[np.float64]:
    """The nearest biases that 16 bits hold, shifted up; the same ones where that is too coarse.

    Args:
        folded: of each row, the input's zero point folded in.
        real: accumulator scale over the result's scale.
    """
    wide = np.asarray(folded, np.float64)
    step = 2.0 ** _up(wide)
    if step * real.max() > STEP:
        return wide
    return np.asarray(np.rint(wide / step) * step)


@dataclass(frozen=True)
class Short:
    """Scales and biases of all rows of a layer, as flash holds them.

    Attributes:
        codes: exponent (3 bits) and fraction (5) of each scale, uint8.
        biases: the input's zero point folded in, int16.
        unit: times 32 + fraction, and halved where that takes 32 bits, it is a multiplier in
            [2^30, 2^31), as :func:`quantize_multiplier` has it; in [2^25, 2^26).
        left: shift of a multiplier that was not halved, where the exponent is 0.
        up: bits that biases are shifted left by.
    """

    codes: NDArray[np.uint8]
    biases: NDArray[np.int16]
    unit: int
    left: int
    up: int

    @staticmethod
    def of(x: QuantParams, w: QuantParams, y: QuantParams, folded: Int64s) -> Short | None:
        """Those of a layer, where they can be held so.

        Args:
            x: of the input.
            w: of the weights, a scale for each row.
            y: of the result.
            folded: biases, the input's zero point folded in.
        """
        found, up = _codes(np.asarray(w.scale, np.float32), y.scale[0]), _up(folded)
        if found is None or len(found[0]) != len(folded) or np.any(folded % (1 << up)):
            return None
        codes, least = found
        fraction, exponent = np.frexp(x.scale[0])
        biases = (folded >> up).astype(np.int16)
        return Short(codes, biases, int(fraction * 2**26), int(exponent) + least - 1, up)

    def part(self, first: int, count: int) -> Short:
        """Those of some rows."""
        some = slice(first, first + count)
        return replace(self, codes=self.codes[some], biases=self.biases[some])

    @property
    def rows(self) -> NDArray[np.uint8]:
        """As flash holds them: of each row the code and the two bytes of the bias."""
        halves = self.biases.astype("<i2").view(np.uint8).reshape(-1, 2)
        return np.concatenate([self.codes[:, None], halves], axis=1).ravel()

    @property
    def mult(self) -> Int64s:
        """Multipliers."""
        found = self.unit * (32 + (self.codes.astype(np.int64) & 31))
        return found >> (found >> 31)

    @property
    def raised(self) -> Int64s:
        """How far each shift is to the left of ``left``."""
        code = self.codes.astype(np.int64)
        return (code >> FRACTION) + (self.unit * (32 + (code & 31)) >> 31)

    @property
    def shift(self) -> Int64s:
        """Shifts, as :func:`quantize_multiplier` has them."""
        return self.left + self.raised

    def is_exact(self, reach: Int64s) -> bool:
        """Whether doubles hold the product of every sum that matters and its real multiplier.

        Args:
            reach: of each row, the largest magnitude of a sum. What is beyond all results of eight
                bits is cut off, wherever it is rounded to.
        """
        odd = self.unit // (self.unit & -self.unit)
        matters = np.ldexp(float(RESULTS), 31 - self.shift) / self.mult
        most = int(np.minimum(reach, matters).max())
        return most.bit_length() + odd.bit_length() + FRACTION + 1 <= DOUBLE_BITS

    @property
    def bias(self) -> Int64s:
        """Biases, the input's zero point folded in."""
        return self.biases.astype(np.int64) << self.up


def _up(biases: Float64s | Int64s) -> int:
    """By how much biases are shifted, so that 16 bits hold what is left."""
    most = int(np.ceil(np.abs(biases).max(initial=0)))
    if most < 1 << (BIAS_BITS - 1):
        return 0
    rounded = most - (-most >> BIAS_BITS)  # it may be rounded up
    return rounded.bit_length() - (BIAS_BITS - 1)


def _codes(scale: NDArray[np.float32], result: float) -> tuple[NDArray[np.uint8], int] | None:
    """Codes of scales, and the exponent that stands for 0; None where they are no short numbers."""
    fraction, exponent = np.frexp(scale.astype(np.float64) / result)
    number = np.ldexp(fraction, FRACTION + 1)
    least = int(exponent.min())
    if np.any(number % 1) or int(exponent.max()) - least >= EXPONENTS:
        return None
    if np.any(np.ldexp(number, exponent - FRACTION - 1) * result != scale.astype(np.float64)):
        return None
    codes = number - (1 << FRACTION) + (exponent - least) * (1 << FRACTION)
    return codes.astype(np.uint8), least
