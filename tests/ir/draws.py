"""Random operands of integer rules."""

from __future__ import annotations

import math

import numpy as np

from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.types import QuantParams

CLAMPS = {0: (-math.inf, math.inf), 1: (0.0, math.inf), 3: (0.0, 6.0)}
ROUNDS = range(8)


class Draw:
    """Random operands: scales over decades, zero points at the ends as often as inside."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def quant(self, low: float = 1e-3, high: float = 0.1) -> QuantParams:
        zero = int(self.rng.choice([-128, -5, 0, 127, self.rng.integers(-128, 128)]))
        scale = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        if self.rng.integers(4) == 0:  # powers of two make ties
            scale = 2.0 ** round(math.log2(scale))
        return QuantParams.of(scale, zero)

    def per_channel(self, n: int, axis: int) -> QuantParams:
        scales = np.exp(self.rng.uniform(np.log(1e-4), np.log(0.05), n)).astype(np.float32)
        if self.rng.integers(3) == 0:
            scales = 2.0 ** np.round(np.log2(scales))
        return QuantParams(tuple(map(float, scales)), (0,) * n, axis)

    def int8(self, *shape: int) -> np.ndarray:
        x = self.rng.integers(-128, 128, shape).astype(np.int8)
        x[0] = self.rng.choice([-128, 127])
        return x

    def weights(self, *shape: int) -> np.ndarray:
        return self.rng.integers(-127, 128, shape).astype(np.int8)

    def bias(self, n: int) -> np.ndarray:
        return self.rng.integers(-3000, 3000, n).astype(np.int32)

    def size(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def pair(self, low: int, high: int) -> tuple[int, int]:
        return self.size(low, high), self.size(low, high)

    def activation(self, y: QuantParams) -> tuple[int, tuple[int, int]]:
        number = int(self.rng.choice(list(CLAMPS)))
        return number, fp.clamp_range(*CLAMPS[number], y)
