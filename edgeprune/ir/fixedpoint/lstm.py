"""LSTM with int8 inputs and states and an int16 cell, as LiteRT's ``lstm_eval.cc`` computes it.

Gates are int16 in Q3.12 before their functions and Q0.15 behind them. The functions are gemmlowp's
``fixedpoint.h`` in 16 bits: a number Qm.n has n = 15 - m fractional bits, and its constants are
those of 32 bits, rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.ir.fixedpoint.exponential import (
    EXP_MINUS_EIGHTH,
    EXP_MINUS_POWERS,
    FORTY_EIGHT_17THS,
    MINUS_THIRTY_TWO_17THS,
    ONE_THIRD,
)
from edgeprune.ir.fixedpoint.rounding import Int64s, Ints, divide_by_pot, rescale

ONE = 2**15 - 1  # 1 in Q0.15, saturated
GATE_BITS = 3
"""Integer bits of what enters a gate's function."""


def _short(constant: int) -> int:
    return int(divide_by_pot(constant, 16))


def _cut(x: Int64s) -> Int64s:
    return np.asarray(np.clip(x, -(2**15), ONE))


def _times(a: Int64s | int, b: Int64s | int) -> Int64s:
    """Products of Q0.15, halves up."""
    return np.asarray((np.asarray(a, np.int64) * np.asarray(b, np.int64) + (1 << 14)) >> 15)


def exp_on_negative(a: Int64s, bits: int) -> Int64s:
    """exp(a) in Q0.15 for a <= 0 with so many integer bits."""
    fraction = 15 - bits
    quarter = 1 << (fraction - 2)
    rest = (a & (quarter - 1)) - quarter
    x = _cut(rest << bits) + (1 << 12)
    square = _times(x, x)
    fourth = divide_by_pot(_times(square, square), 2)
    series = divide_by_pot(_times(fourth + _times(square, x), _short(ONE_THIRD)) + square, 1)
    eighth = _short(EXP_MINUS_EIGHTH)
    result = _cut(eighth + _times(eighth, x + series))
    for power, factor in EXP_MINUS_POWERS:
        if bits > power:
            bit = 1 << (fraction + power)
            result = np.where((rest - a) & bit, _times(result, _short(factor)), result)
    result = np.where(a < -(32 << fraction), 0, result)  # which its powers do not reach
    return np.where(a == 0, ONE, result)


def _halved_reciprocal(a: Int64s) -> Int64s:
    """2 / (1 + a) in Q2.13 for a in [0, 1]."""
    half = (a + ONE + 1) >> 1
    x = _short(FORTY_EIGHT_17THS) + _times(half, _short(MINUS_THIRTY_TWO_17THS))
    for _ in range(3):
        x = x + _cut(_times(x, (1 << 13) - _times(half, x)) << 2)
    return x


def logistic(x: Int64s) -> Int64s:
    """1 / (1 + exp(-x)) of Q3.12, in Q0.15."""
    y = _cut(_halved_reciprocal(exp_on_negative(-np.abs(x), GATE_BITS)) << 1)
    return np.where(x == 0, 1 << 14, np.where(x > 0, y, ONE - y))


def tanh(x: Int64s, bits: int) -> Int64s:
    """Hyperbolic tangents of numbers with so many integer bits, in Q0.15."""
    y = _cut((_halved_reciprocal(exp_on_negative(-np.abs(x), bits + 1)) - (1 << 13)) << 2)
    return np.where(x == 0, 0, np.where(x > 0, y, -y))


@dataclass(frozen=True)
class Cell:
    """The constants of one layer of n units; gates are input, forget, cell, output.

    Attributes:
        w: (4 n, inputs) weights of the input, gate by gate.
        r: (4 n, n) weights of the state.
        bias: (2, 4 n): beside w and beside r, zero points included.
        scales: (2, 4) pairs of multiplier and shift to Q3.12, of w and of r: (2, 4, 2).
        cell_bits: integer bits of the cell state.
        clip: the cell state is kept within plus and minus this; 0: it is not.
        hidden: multiplier and shift from Q0.30 to the state.
        zero: zero point of the state.
    """

    w: Int64s
    r: Int64s
    bias: Int64s
    scales: Int64s
    cell_bits: int
    clip: int
    hidden: tuple[int, int]
    zero: int

    def step(self, x: Int64s, h: Int64s, c: Int64s) -> tuple[Int64s, Int64s]:
        """State and cell behind one more input; all (batch, ...)."""
        mult, shift = self.scales[..., 0], self.scales[..., 1]
        n = self.r.shape[1]
        gates = []
        for g in range(4):
            rows = slice(g * n, g * n + n)
            of_x = rescale(x @ self.w[rows].T + self.bias[0, rows], mult[0, g], shift[0, g])
            of_h = rescale(h @ self.r[rows].T + self.bias[1, rows], mult[1, g], shift[1, g])
            total = _cut(_cut(of_x) + of_h)
            gates.append(tanh(total, GATE_BITS) if g == 2 else logistic(total))
        i, f, g_, o = gates
        added = divide_by_pot(i * g_, 15 + 15 - (15 - self.cell_bits))
        c = _cut(divide_by_pot(f * c, 15) + added)
        if self.clip:
            c = np.clip(c, -self.clip, self.clip)
        out = rescale(o * tanh(c, self.cell_bits), *self.hidden) + self.zero
        return np.clip(out, -128, 127), c

    def run(self, x: Ints, h: Ints, c: Ints) -> tuple[Ints, Ints]:
        """All steps of x (batch, steps, inputs): states int8 (batch, steps, n), and the cell."""
        rows, state, cell = [], h.astype(np.int64), c.astype(np.int64)
        for t in range(x.shape[1]):
            state, cell = self.step(x[:, t].astype(np.int64), state, cell)
            rows.append(state)
        return np.stack(rows, axis=1).astype(np.int8), cell.astype(np.int16)
