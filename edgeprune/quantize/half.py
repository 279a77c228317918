"""Weights in float16: a file for phones has half the bytes, and everything is computed in float32.

Post-training float16 quantisation of TensorFlow Lite: constants are stored as float16, and read
through a DEQUANTIZE, which delegates do once, when they load the file.
"""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array, Graph

LEAST_ELEMENTS = 256
"""Of a constant that is stored so: fewer save less than the operator that reads them takes."""
LOSS = 2.0**-11
"""Relative to the largest element: what float16's 11 bits lose."""


def with_half_weights(graph: Graph) -> Graph:
    """A float network whose constants are numbers that float16 has, in float32 as before.

    A constant that lies beyond the range of float16 keeps its values.
    """
    near = {k: _nearest(v) for k, v in graph.constants.items() if _is_long(v)}
    return graph.with_constants(
        {k: v for k, v in near.items() if _lost(v, graph.constants[k]) <= LOSS}
    )


def as_half(value: Array) -> Array | None:
    """A constant in float16; None where that has other values, or does not pay."""
    if not _is_long(value) or not np.array_equal(_nearest(value), value):
        return None
    return value.astype(np.float16)


def _is_long(value: Array) -> bool:
    return value.dtype == np.float32 and value.size >= LEAST_ELEMENTS


def _nearest(value: Array) -> Array:
    with np.errstate(over="ignore"):  # to infinity, which is seen to be far off
        return value.astype(np.float16).astype(np.float32)


def _lost(near: Array, value: Array) -> float:
    largest = float(np.abs(value).max())
    return float(np.abs(near - value).max()) / largest if largest else 0.0
