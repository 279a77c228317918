"""Weights, shapes and statistics that the cases share."""

from __future__ import annotations

import numpy as np

R = np.random.default_rng(7)


def w(*shape: int) -> np.ndarray:
    """Normally distributed weights."""
    return R.normal(size=shape).astype(np.float32)


def i64(*values: int) -> np.ndarray:
    """A list of integers."""
    return np.asarray(values, np.int64)


X = {"x": ["n", 3, 8, 6]}
V = {"x": [1, 12]}
S = {"x": [1, 4, 10]}
STATS = {"g": w(3), "b": w(3), "m": w(3), "v": np.abs(w(3)) + 0.5}
