"""Channels that say the same as another: numbers for values, so that equal ones are found.

Every element of every value gets a number, the same for elements that are equal whatever the input
is (global value numbering; Alpern, Wegman and Zadeck 1988), and in float a positive factor: a
neuron that is a multiple of another has its number and another factor, also behind a ReLU, a
pool or a mean.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Coupling, Graph, Node
from edgeprune.ops import DepthwiseConv2d, Reshape
from edgeprune.ops.linear import Layer

Numbers = NDArray[np.int64]
Factors = NDArray[np.float64]

DIGITS = 6
"""Float weights that agree to this many digits, relative to the largest of a row, are the same."""

POSITION_BITS = 20


class Numbering:
    """Numbers and factors of every value's elements.

    The element of a map at position p has the map's number times 2^20, plus p.

    Args:
        graph: float or quantised.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.numbers: dict[str, Numbers] = {}
        self.factors: dict[str, Factors] = {}
        self._known: dict[Hashable, int] = {}
        for v in (*graph.inputs, *graph.constants):
            self._fresh(v)
        for node in graph.nodes:
            self._visit(node)

    def _number(self, key: Hashable) -> int:
        return self._known.setdefault(key, len(self._known)) << POSITION_BITS

    def _put_maps(self, v: str, maps: Numbers, factors: Factors) -> None:
        """A value by the number and the factor of each index of its last axis."""
        shape = self.graph.types[v].shape
        positions = int(np.prod(shape[:-1], dtype=np.int64))
        assert positions < 1 << POSITION_BITS, v
        self.numbers[v] = (maps + np.arange(positions)[:, None]).reshape(shape)
        self.factors[v] = np.broadcast_to(factors, shape)

    def _fresh(self, v: str) -> None:
        """A value that is like no other."""
        shape = self.graph.types[v].shape
        if not shape:
            self.numbers[v] = np.array(self._number((v, 0)))
            self.factors[v] = np.ones(())
            return
        maps = np.array([self._number((v, k)) for k in range(shape[-1])], np.int64)
        self._put_maps(v, maps, np.ones(shape[-1]))

    def _visit(self, node: Node) -> None:
        op = node.op
        if isinstance(op, Layer):
            self._weighted(node, op)
        elif op.moves:
            self.numbers[node.output] = _moved(node, [self.numbers[v] for v in node.inputs])
            self.factors[node.output] = _moved(node, [self.factors[v] for v in node.inputs])
        elif op.channelwise:
            self._channelwise(node)
        else:
            self._fresh(node.output)

    def _channelwise(self, node: Node) -> None:
        """Operators that compute a channel from the same channel of each operand."""
        shape = self.graph.types[node.output].shape
        operands = [self.graph.types[v].shape for v in node.inputs]
        if not all(s and s[-1] in (shape[-1], 1) for s in operands):
            self._fresh(node.output)
            return
        maps = [self._maps(v) for v in node.inputs]
        scale = tuple(self.graph.types[v].quant for v in (*node.inputs, node.output))
        keeps = not self.graph.is_quantised and node.op.homogeneous
        numbers = np.empty(shape[-1], np.int64)
        factors = np.ones(shape[-1])
        for k in range(shape[-1]):
            parts = [(int(n[k % len(n)]), float(f[k % len(n)])) for n, f in maps]
            if keeps:
                factors[k] = parts[0][1]
                parts = [(parts[0][0], 1.0)]
            numbers[k] = self._number((node.op, scale, *operands, *parts))
        self._put_maps(node.output, numbers, factors)

    def _weighted(self, node: Node, op: Layer) -> None:
        w, b = (self.graph.constants[v] for v in node.inputs[1:])
        read, read_factor = self._maps(node.inputs[0])
        numbers = np.empty(len(b), np.int64)
        factors = np.ones(len(b))
        for o in range(len(b)):
            if isinstance(op, DepthwiseConv2d):
                c = o // (w.shape[2] // len(read))
                row, seen, scale = w[:, :, o], read[c : c + 1], read_factor[c : c + 1]
            else:
                size = len(read) // op.groups
                start = o // (len(b) // op.groups) * size
                row, seen = w[o], read[start : start + size]
                scale = read_factor[start : start + size]
            numbers[o], factors[o] = self._row(node, o, row, b[o], seen, scale)
        self._put_maps(node.output, numbers, factors)

    def _row(
        self, node: Node, o: int, row: Array, bias: Array, seen: Numbers, scale: Factors
    ) -> tuple[int, float]:
        """Number and factor of one sum of products."""
        known = (node.op, row.shape, self.graph.types[node.inputs[0]].shape, tuple(seen.tolist()))
        if self.graph.is_quantised:
            key = (*known, row.tobytes(), int(bias), self._scale(node, o))
            return self._number(key), 1.0
        exact = row.astype(np.float64) * scale
        size = float(np.abs(exact).max())
        factor = size if node.op.keeps_factors and size > 0 else 1.0
        values = np.append(exact.ravel(), float(bias)) / factor
        rounded = tuple((np.round(values, DIGITS) + 0.0).tolist())
        return self._number((*known, rounded)), factor

    def _scale(self, node: Node, o: int) -> Hashable:
        """How an integer result is scaled, which must agree for results to be the same."""
        x, w, y = (self.graph.types[v].quant for v in (*node.inputs[:2], node.output))
        assert w is not None
        return x, w.scale[o if w.axis is not None else 0], y

    def _maps(self, v: str) -> tuple[Numbers, Factors]:
        """Number and factor of each index of the last axis."""
        n = self.numbers[v].reshape(-1, self.numbers[v].shape[-1])
        f = self.factors[v].reshape(n.shape)
        whole = (n == n[0] + np.arange(len(n))[:, None]).all(axis=0) & (f == f[0]).all(axis=0)
        joined = [
            int(n[0, k])
            if whole[k]
            else self._number((tuple(n[:, k].tolist()), tuple(f[:, k].tolist())))
            for k in range(n.shape[1])
        ]
        return np.array(joined, np.int64), np.where(whole, f[0], 1.0)


def _moved(node: Node, x: list[Array]) -> Array:
    """What a node that only moves elements does to an array of any kind."""
    if isinstance(node.op, Reshape):  # for most networks of integers, torch is not imported
        return x[0].reshape(node.op.shape)
    import torch

    y = node.op.evaluate(*(torch.tensor(np.ascontiguousarray(a))[None] for a in x))
    moved: Array = y[0].numpy()
    return moved


def find_duplicates(
    graph: Graph, coupling: Coupling, free: NDArray[np.bool_]
) -> list[tuple[int, int, dict[str, float]]]:
    """Pairs of channels of which the first can be had from the second.

    Args:
        graph: float or quantised.
        coupling: of it.
        free: channels that may go.

    Returns:
        (channel that can go, channel that stays, by node that reads both: how many times the
        second the first is). A channel is in at most one pair; chains do not occur.
    """
    numbering = Numbering(graph)
    places: dict[int, list[tuple[Hashable, ...]]] = {}
    ratio: dict[int, list[float]] = {}
    for read in coupling.reads:
        value = graph.node(read.node).inputs[0]
        ids = coupling.values[value].reshape(-1, coupling.values[value].shape[-1])
        numbers = numbering.numbers[value].reshape(ids.shape)
        factors = numbering.factors[value].reshape(ids.shape)
        for column in range(ids.shape[1]):
            k = int(ids[0, column])
            if not (ids[:, column] == k).all():
                free = free.copy()
                free[ids[:, column]] = False
                continue
            places.setdefault(k, []).append(
                (read.node, len(ratio.get(k, [])), tuple(numbers[:, column].tolist()))
            )
            ratio.setdefault(k, []).append(float(factors[0, column]))
    first: dict[Hashable, int] = {}
    pairs = []
    for k in sorted(places):
        if not free[k]:
            continue
        key = tuple(places[k])
        keeper = first.setdefault(key, k)
        if keeper == k:
            continue
        times = {
            str(place[0]): a / b
            for place, a, b in zip(places[k], ratio[k], ratio[keeper], strict=True)
        }
        pairs.append((k, keeper, times))
    return pairs
