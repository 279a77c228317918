"""Interval bounds of every value over every possible input, in the network's own arithmetic.

An integer network's bounds are exact integers, computed by its own kernels; a float network's
have a margin for the rounding of sums (Moore 1966; for networks Gowal et al. 2018,
arXiv:1810.12715).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Graph, LinearOp, Node, TensorType, computed
from edgeprune.ops import Convolution, ConvTranspose2d, DepthwiseConv2d, Unary

Interval = tuple[Array, Array]  # lowest and highest value of each element
Range = tuple[float, float]

FAR = 1e30
"""Stands for infinity in float bounds, so that zero weights do not make it undefined."""

MARGIN = 1e-5
"""What rounding can add to a float sum, as a share of the sum of the magnitudes."""


def intervals(graph: Graph, inputs: Range | None = None) -> dict[str, Interval]:
    """The lowest and highest value that each element can take.

    Args:
        graph: float or quantised.
        inputs: what the elements of a float input are known to lie in; None: anything. Integer
            inputs are anything that their type holds.

    Returns:
        By value: two arrays of its shape and type. A float value that may be anything has -1e30
        and 1e30.
    """
    found: dict[str, Interval] = {}
    for v in graph.inputs:
        found[v] = _whole(graph.types[v], inputs)
    for v in graph.constants:
        found[v] = (graph.constants[v], graph.constants[v])
    for node in graph.nodes:
        low, high = _interval_of(graph, node, found)
        found[node.output] = _tidy(low, high, graph.types[node.output])
    return {v: found[v] for v in graph.activations}


def _interval_of(graph: Graph, node: Node, found: dict[str, Interval]) -> Interval:
    out = graph.types[node.output]
    operands = [found[v] for v in node.inputs]

    def compute(*x: Array) -> Array:
        return evaluate(graph, node, x)

    if isinstance(node.op, LinearOp):
        return _linear(graph, node, operands[0], compute)
    if node.op.monotone:
        return compute(*(o[0] for o in operands)), compute(*(o[1] for o in operands))
    if node.op.multilinear:  # extremes lie at the corners
        corners = [compute(*pair) for pair in itertools.product(*operands)]
        return np.minimum.reduce(corners), np.maximum.reduce(corners)
    if isinstance(node.op, Unary) and graph.types[node.inputs[0]].dtype.value == "int8":
        return _by_table(operands[0], node, graph)
    low, high = _whole(out, None)
    if isinstance(node.op, Unary):  # no bounds are known of it, but what it makes of one number
        known, made = operands[0][0] == operands[0][1], compute(operands[0][0])
        return np.where(known, made, low), np.where(known, made, high)
    return low, high


def _whole(t: TensorType, known: Range | None) -> Interval:
    if np.issubdtype(t.dtype.numpy, np.floating):
        low, high = known or (-FAR, FAR)
    else:
        info = np.iinfo(t.dtype.numpy)
        low, high = int(info.min), int(info.max)
    return np.full(t.shape, low, t.dtype.numpy), np.full(t.shape, high, t.dtype.numpy)


def _tidy(low: Array, high: Array, t: TensorType) -> Interval:
    if not np.issubdtype(t.dtype.numpy, np.floating):
        return low, high
    low = np.nan_to_num(low, nan=-FAR, posinf=FAR, neginf=-FAR).clip(-FAR, FAR)
    high = np.nan_to_num(high, nan=FAR, posinf=FAR, neginf=-FAR).clip(-FAR, FAR)
    return low, high


def evaluate(graph: Graph, node: Node, x: tuple[Array, ...]) -> Array:
    """One node for one sample, in its own arithmetic."""
    weights = node.op.weights
    whole = computed(graph, node, [a if i in weights else a[None] for i, a in enumerate(x)])
    exact: Array = whole[0]
    return exact


def _linear(graph: Graph, node: Node, x: Interval, compute: Callable[..., Array]) -> Interval:
    """Bounds of the sums, then what the node itself makes of them: a bias without weights."""
    t = graph.types[node.inputs[0]]
    w, b = (graph.constants[v] for v in node.inputs[1:])
    zero = 0 if t.quant is None else t.quant.scalar[1]
    lead = tuple(range(len(t.shape) - 1))
    low = x[0].min(axis=lead).astype(np.float64) - zero
    high = x[1].max(axis=lead).astype(np.float64) - zero
    sums = _sums(node, low, high, w.astype(np.float64), b.astype(np.float64))
    if t.quant is None:
        reach = np.maximum(np.abs(low), np.abs(high))
        size = _sums(node, -reach, reach, w.astype(np.float64), np.zeros(len(b)))[1]
        slack = np.where(size > 0, MARGIN * (size + np.abs(b)), 0)
        sums = sums[0] - slack, sums[1] + slack
    nothing = np.zeros_like(w)
    cut = np.iinfo(np.int32).max if t.quant is not None else np.inf
    ends = [compute(x[0], nothing, s.clip(-cut, cut).astype(b.dtype)) for s in sums]
    return ends[0], ends[1]


def _sums(
    node: Node,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    w: NDArray[np.float64],
    b: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest sum of products and bias, by channel of the result."""
    op = node.op
    axes: tuple[int, ...] = (0, 1)
    if isinstance(op, Convolution) and op.padding.any:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    if isinstance(op, DepthwiseConv2d):
        times = w.shape[2] // len(low)
        low, high = np.repeat(low, times), np.repeat(high, times)
    else:
        assert isinstance(op, LinearOp)
        if op.groups > 1:
            shape = (len(w), 1, 1, w.shape[3])
            spread = np.repeat(np.arange(op.groups), len(w) // op.groups)
            low = low.reshape(op.groups, -1)[spread].reshape(shape)
            high = high.reshape(op.groups, -1)[spread].reshape(shape)
        axes = tuple(range(1, w.ndim))
    least = np.minimum(w * low, w * high)
    most = np.maximum(w * low, w * high)
    if isinstance(op, ConvTranspose2d):  # not every tap reaches every element
        least, most = np.minimum(least, 0), np.maximum(most, 0)
    return least.sum(axis=axes) + b, most.sum(axis=axes) + b


def _by_table(x: Interval, node: Node, graph: Graph) -> Interval:
    """Extremes of a function of one int8 element: all of its values are looked at."""
    steps = np.arange(-128, 128, dtype=np.int8)
    types = (graph.types[node.inputs[0]].with_shape((256,)),)
    out = graph.types[node.output].with_shape((256,))
    y = node.op.evaluate_int(types, out, steps[None])[0]
    pairs = np.stack([x[0].ravel(), x[1].ravel()], axis=1)
    ends, back = np.unique(pairs, axis=0, return_inverse=True)
    low = np.array([y[a + 128 : b + 129].min() for a, b in ends.astype(int)], y.dtype)
    high = np.array([y[a + 128 : b + 129].max() for a, b in ends.astype(int)], y.dtype)
    return low[back.ravel()].reshape(x[0].shape), high[back.ravel()].reshape(x[0].shape)
