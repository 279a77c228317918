"""Random layers: quantised types at their extremes, weights, samples."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from kernels.harness import SANITIZE

from edgeprune.ir import Array, Codebook, DType, QuantParams, TensorType


def examples(n: int) -> settings:
    """So many examples; fewer where sanitizers make each one slow."""
    return settings(max_examples=max(4, n // 6) if SANITIZE else n)


INT4 = tuple(range(-8, 8))
BOOKS = (INT4, tuple(range(-7, 8)), (-127, -90, -50, -20, -3, 11, 40, 96), (-3, -1, 0, 2, 5))
BOOKS = (*BOOKS, (-90, -25, 25, 127), (-1, 0, 1), (-127, 5, 6), (-1, 1))
"""Of every width of codes: uniform grids and tables, with zero and without, whole and not."""

SEEDS = st.integers(0, 2**32 - 1)
ZEROS = st.sampled_from([-128, -127, -7, 0, 5, 127])


def int8_type(shape: tuple[int, ...], scale: float, zero: int) -> TensorType:
    return TensorType(shape, DType.INT8, QuantParams.of(scale, zero))


def int8_values(rng: np.random.Generator, shape: tuple[int, ...], low: int = -128) -> Array:
    """Evenly spread, or, one time in four, only the two ends."""
    if rng.random() < 0.25:
        return rng.choice(np.array([low, 127], np.int8), shape)
    return rng.integers(low, 128, shape).astype(np.int8)


def layer_constants(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    axis: int,
    x_scale: float,
    *,
    per_channel: bool = True,
    values: tuple[int, ...] = (),
) -> dict[str, tuple[Array, TensorType]]:
    """Weights and bias of a quantised layer, of any magnitude; of few ``values`` where given."""
    channels = shape[axis] if per_channel else 1
    w = int8_values(rng, shape, -127)
    if values:
        w = rng.choice(np.array(values, np.int8), shape)
    scales = np.exp(rng.uniform(-9, -3, channels)).astype(np.float32)
    width = int(10.0 ** rng.uniform(0, 7))
    bias = rng.integers(-width, width + 1, shape[axis]).astype(np.int32)
    zeros = (0,) * channels
    wq = QuantParams(tuple(map(float, scales)), zeros, axis if per_channel else None)
    bias_scales = tuple(float(np.float32(x_scale * s)) for s in scales)
    bq = QuantParams(bias_scales, zeros, 0 if per_channel else None)
    return {
        "w": (w, TensorType(shape, DType.INT8, wq, codebook=Codebook(values) if values else None)),
        "b": (bias, TensorType(bias.shape, DType.INT32, bq)),
    }


def output_scale(
    rng: np.random.Generator, x_scale: float, constants: dict[str, tuple[Array, TensorType]]
) -> float:
    """From results that saturate everywhere to results that are all zero."""
    w, t = constants["w"]
    assert t.quant is not None
    terms = w.size / len(t.quant.scale)
    typical = x_scale * float(np.mean(t.quant.scale)) * 70 * 70 * np.sqrt(terms) / 60
    return float(np.float32(typical * np.exp(rng.uniform(-3, 3))))
