"""Weights in int8 beside float32 activations: a file for phones has a quarter of the bytes.

Post-training dynamic-range quantisation of TensorFlow Lite: each output channel's weights have a
scale of their own. No samples are needed, as LiteRT's kernels round what a layer reads to eight
bits by its own range in every call, and multiply integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeprune.ir import Array, Graph, Node, QuantParams, join_rows, run, split_rows, tensors
from edgeprune.ops import Dense
from edgeprune.ops.linear import Layer

if TYPE_CHECKING:
    import torch

LEAST_ELEMENTS = 1024
"""Of weights that are stored so; shorter ones stay in float32, as TensorFlow's converter has it."""
TOP = 127
STEPS = 255.0
"""From the least to the largest activation that a layer reads in a call."""
BATCH = 64


def with_int8_weights(graph: Graph) -> Graph:
    """A float network whose weights are multiples of a scale a channel, in float32 as before."""
    near = {}
    for node in graph.nodes:
        if found := stored(graph, node):
            values, quant = found
            near[node.inputs[1]] = _real(values, quant)
    return graph.with_constants(near)


def stored(graph: Graph, node: Node) -> tuple[Array, QuantParams] | None:
    """The weights of a layer in int8 and their scales; None: they stay in float32.

    Those of :func:`with_int8_weights` come out as they went in.
    """
    op = node.op
    if not isinstance(op, Layer):
        return None
    w = graph.constants[node.inputs[1]]
    if w.size < LEAST_ELEMENTS or op.groups > 1:
        return None
    rest = tuple(i for i in range(w.ndim) if i != op.out_axis)
    scale = np.abs(w).max(axis=rest) / np.float32(TOP)
    scale = np.where(scale > 0, scale, np.float32(1))
    q = np.round(w / _along(scale, op.out_axis, w.ndim)).clip(-TOP, TOP).astype(np.int8)
    return q, QuantParams(tuple(map(float, scale)), (0,) * scale.size, op.out_axis)


def rounded_in_calls(graph: Graph, rows: Array) -> Array:
    """What a network computes whose layers round what they read, as LiteRT's kernels do.

    Args:
        graph: from :func:`with_int8_weights`; it keeps nothing from call to call.
        rows: samples, (n, ...), see :func:`edgeprune.ir.join_rows`.

    Returns:
        Its outputs, (n, ...).
    """
    import torch

    rounding = {n.name for n in graph.nodes if stored(graph, n)}

    def hook(node: Node, i: int, x: torch.Tensor) -> torch.Tensor:
        return _rounded(x, node) if i == 0 and node.name in rounding else x

    weights, made = tensors(graph), []
    types = [graph.types[v] for v in graph.arguments]
    with torch.inference_mode():
        for i in range(0, len(rows), BATCH):
            parts = split_rows(rows[i : i + BATCH], types)
            feed = {
                v: torch.from_numpy(np.array(p, np.float32))
                for v, p in zip(graph.arguments, parts, strict=True)
            }
            values = run(graph, feed, constants=weights, hook=hook, keep=graph.results)
            made.append(join_rows([values[v].numpy() for v in graph.results]))
    return np.concatenate(made)


def _rounded(x: torch.Tensor, node: Node) -> torch.Tensor:
    """Eight bits by the range of a sample, of a dense layer by that of each of its rows."""
    axes = (-1,) if isinstance(node.op, Dense) else tuple(range(1, x.ndim))
    low, high = x.amin(axes, keepdim=True).clamp(max=0), x.amax(axes, keepdim=True).clamp(min=0)
    scale = ((high - low) / STEPS).clamp(min=1e-30)
    zero = (-low / scale).round()
    return ((x / scale + zero).round().clamp(0, STEPS) - zero) * scale


def _real(q: Array, quant: QuantParams) -> Array:
    assert quant.axis is not None
    scale = np.asarray(quant.scale, np.float32)
    return q.astype(np.float32) * _along(scale, quant.axis, q.ndim)


def _along(values: Array, axis: int, rank: int) -> Array:
    shape = [1] * rank
    shape[axis] = -1
    return values.reshape(shape)
