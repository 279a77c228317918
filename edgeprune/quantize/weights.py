"""Weights and biases of a layer become integers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from edgeprune.ir import (
    Array,
    Codebook,
    DType,
    Graph,
    LinearOp,
    Node,
    QuantParams,
    TensorType,
)
from edgeprune.ir.fixedpoint.short import short_biases, short_scales
from edgeprune.quantize.bias import expected_shift

Rounded = tuple[int, Array, TensorType]
"""Number of an operand, its integers and their type."""


@dataclass(frozen=True)
class Weights:
    """How weights and biases are rounded; see :func:`edgeprune.quantize.quantise`.

    ``means`` are those of layers' inputs, by the layer's name.
    """

    dtype: DType
    four_bit: Collection[str]
    codebooks: Mapping[str, Codebook]
    scales: Mapping[str, Array]
    means: Mapping[str, Array]
    short: bool

    def is_short(self, node: Node) -> bool:
        """Whether kernels hold short scales of a layer in three bytes a channel."""
        return self.short and node.name in self.scales and node.op.kind != "conv_transpose2d"

    def of(self, graph: Graph, node: Node, x: TensorType, y: TensorType) -> list[Rounded]:
        """Of one layer, whose input has type ``x``, and its result ``y``."""
        assert isinstance(node.op, LinearOp)
        assert x.quant is not None
        assert y.quant is not None
        is_few = node.name in {*self.four_bit, *self.codebooks} and self.is_short(node)
        w, b = (graph.constants[v] for v in node.inputs[1:3])
        layer = partial(
            quantise_weights,
            w,
            x=x.quant,
            axis=node.op.out_axis,
            dtype=self.dtype,
            bits=4 if node.name in self.four_bit else 8,
            codebook=self.codebooks.get(node.name),
            scale=self.scales.get(node.name),
            y=y.quant if is_few else None,
        )
        made = layer(b)
        if (mean := self.means.get(node.name)) is not None:
            shift = expected_shift(node, w, *made[0], mean)
            made = layer((b - shift).astype(np.float32))
        return [(i, value, t) for i, (value, t) in enumerate(made, start=1)]


def quantise_weights(
    w: Array,
    b: Array,
    x: QuantParams,
    axis: int,
    dtype: DType = DType.INT8,
    bits: int = 8,
    codebook: Codebook | None = None,
    scale: Array | None = None,
    y: QuantParams | None = None,
) -> tuple[tuple[Array, TensorType], tuple[Array, TensorType]]:
    """Weights and bias of a layer in integers.

    Args:
        w: float32 weights.
        b: float32 bias, one per index of ``axis``.
        x: quantisation of the layer's input.
        axis: the axis with a scale per index.
        dtype: type of the activations (int16: the bias is held as int64 in TFLite, and kept
            within int32 here).
        bits: 8, or 4.
        codebook: the values that weights take, each the nearest; None: every integer of so many
            bits.
        scale: of the weights, one per index of ``axis``; None: the largest value stands for the
            channel's peak.
        y: quantisation of the layer's result, where scales and biases are to be short ones
            (:mod:`edgeprune.ir.fixedpoint.short`), if they can be; None: they are any.

    Returns:
        (weights, type), (bias, type). Scales are raised where a bias would not fit into 22 bits:
        beside such a bias the weights do not show, and sums stay small enough for a 31-bit
        multiplier to round them all as TFLite does.
    """
    top = max(map(abs, codebook.values)) if codebook else 2 ** (bits - 1) - 1
    rest = tuple(i for i in range(w.ndim) if i != axis)
    if scale is None:
        scale = np.abs(w.astype(np.float64)).max(axis=rest) / top
    scale = np.maximum(scale, np.abs(b) / (x.scale[0] * 2.0**22))
    scale = np.where(scale > 0, scale, 1.0 / top).astype(np.float32)
    shape = [1] * w.ndim
    shape[axis] = -1
    u = w / scale.reshape(shape)
    q = codebook.nearest(u) if codebook else np.clip(np.rint(u), -top, top).astype(np.int8)
    short = None if y is None else short_scales(scale, y.scale[0])
    if short is not None and np.any(np.abs(b) > x.scale[0] * short * 2.0**22):
        short = None
    scale = scale if short is None else short
    bias_scale = (np.float32(x.scale[0]) * scale).astype(np.float32)
    wide = np.rint(b.astype(np.float64) / bias_scale.astype(np.float64))
    if y is not None and short is not None:
        part = x.zero_point[0] * q.astype(np.int64).sum(axis=rest)
        real = x.scale[0] * scale.astype(np.float64) / y.scale[0]
        wide = short_biases(wide - part, real) + part
    bias_dtype = DType.INT64 if dtype is DType.INT16 else DType.INT32
    bias = wide.astype(bias_dtype.numpy)
    zeros = (0,) * len(scale)
    weight_type = TensorType(
        w.shape,
        DType.INT4 if bits == 4 else DType.INT8,
        QuantParams(tuple(map(float, scale)), zeros, axis),
        codebook=codebook,
    )
    bias_type = TensorType(
        b.shape, bias_dtype, QuantParams(tuple(map(float, bias_scale)), zeros, 0)
    )
    return (q, weight_type), (bias, bias_type)
