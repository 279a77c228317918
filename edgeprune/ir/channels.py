"""Which channels must go together: ids pushed through the graph, then joined.

Every element of every value gets an integer id, and an operator does to the ids what it does to
the data: ``Concat`` concatenates them, ``Reshape`` reshapes them, ``Add`` ties the ids of its
operands, a convolution reads one set and writes another. Ids that were tied are one *channel*: what
can only be removed as a whole. Residual additions, concatenations, channel shuffles and flattening
need no rules of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir.graph import Graph, Node

Ids = NDArray[np.int64]
OUTPUT = "they are outputs of the network"
KEPT = "they are kept from call to call"


@dataclass(frozen=True)
class Read:
    """A node that mixes channels (convolution, dense) reads a value.

    Attributes:
        node: the node's name.
        weight: the constant that it multiplies with.
        axis: the weight's axis that runs over what is read.
        ids: the channel of each index of that axis.
    """

    node: str
    weight: str
    axis: int
    ids: Ids


class Channels:
    """Collects ids and ties while the graph is walked; operators talk to it in ``couple``."""

    def __init__(self) -> None:
        self._count = 0
        self._ties: list[tuple[Ids, Ids]] = []
        self._pins: list[tuple[str, Ids]] = []
        self._averaged: list[Ids] = []
        self.axes: dict[tuple[str, int], Ids] = {}
        self.reads: list[Read] = []

    def new(self, shape: tuple[int, ...] | int) -> Ids:
        """Fresh ids, one an element."""
        n = int(np.prod(shape, dtype=np.int64))
        ids = np.arange(self._count, self._count + n, dtype=np.int64).reshape(shape)
        self._count += n
        return ids

    def tie(self, a: Ids, b: Ids) -> None:
        """These go together, element by element (broadcast)."""
        x, y = np.broadcast_arrays(a, b)
        self._ties.append((x.ravel(), y.ravel()))

    def pin(self, ids: Ids, why: str) -> None:
        """These must stay; ``why`` says what of them needs all: "sums over them"."""
        self._pins.append((why, ids.ravel()))

    def average(self, ids: Ids) -> None:
        """A mean of these is read, which differs without one of them, whatever that one holds."""
        self._averaged.append(ids)

    def axis(self, constant: str, axis: int, ids: Ids) -> None:
        """Index i of that axis of the constant belongs to channel ids[i]."""
        key = (constant, axis)
        if key in self.axes:
            self.tie(self.axes[key], ids)
        else:
            self.axes[key] = ids

    def read(self, node: Node, weight: int, axis: int, ids: Ids) -> None:
        """The node mixes these channels through one axis of its input number ``weight``."""
        self.axis(node.inputs[weight], axis, ids)
        self.reads.append(Read(node.name, node.inputs[weight], axis, ids))

    def per_channel(self, ids: Ids) -> Ids:
        """Ids of the last axis, having tied all positions in front of it."""
        flat = ids.reshape(-1, ids.shape[-1])
        if not (flat == flat[0]).all():
            self.tie(flat, flat[0])
        first: Ids = flat[0]
        return first

    def pins(self, label: Ids) -> tuple[tuple[str, Ids], ...]:
        """What was pinned, as channels, and why; ``label`` is from :meth:`join`."""
        return tuple((why, np.unique(label[ids])) for why, ids in self._pins)

    def averaged(self, label: Ids) -> NDArray[np.bool_]:
        """By channel, whether a mean of it and others is read; ``label`` is from :meth:`join`."""
        found = np.zeros(label.max(initial=-1) + 1, bool)
        for ids in self._averaged:
            found[label[ids]] = True
        return found

    def join(self) -> Ids:
        """Channel number of every id."""
        a = np.concatenate([t[0] for t in self._ties] or [np.zeros(0, np.int64)])
        b = np.concatenate([t[1] for t in self._ties] or [np.zeros(0, np.int64)])
        return components(self._count, a, b)


def components(count: int, a: Ids, b: Ids) -> Ids:
    """The connected component of every node, numbered by the smallest node in each.

    Every node follows the smallest one that is known to hang together with it (Shiloach and Vishkin
    1982); scipy's takes longer to import than all couplings of a build take.

    Args:
        count: of the nodes.
        a: one end of each edge.
        b: the other.
    """
    root = np.arange(count)
    while True:
        low = np.minimum(root[a], root[b])
        found = root.copy()
        for end in (a, b, root[a], root[b]):
            np.minimum.at(found, end, low)
        found = found[found]
        if np.array_equal(found, root):
            numbers: Ids = np.unique(root, return_inverse=True)[1].astype(np.int64)
            return numbers
        root = found


@dataclass(frozen=True)
class Coupling:
    """The channels of a graph.

    Attributes:
        values: by activation or data constant, the channel of each element (per-sample shape).
        axes: by (constant, axis), the channel of each index.
        reads: who mixes which channels.
        pins: what keeps channels (outputs, softmax operands), in words, and which.
        inputs: by channel, whether it is an element of the graph's inputs.
        averaged: by channel, whether a mean of channels is of it too: others change where it goes,
            even one that holds nothing.
    """

    values: dict[str, Ids]
    axes: dict[tuple[str, int], Ids]
    reads: tuple[Read, ...]
    pins: tuple[tuple[str, Ids], ...]
    inputs: NDArray[np.bool_]
    averaged: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Number of channels."""
        return len(self.inputs)

    @cached_property
    def pinned(self) -> NDArray[np.bool_]:
        """By channel, whether it must stay."""
        found = np.zeros(self.count, bool)
        for _, channels in self.pins:
            found[channels] = True
        return found

    @cached_property
    def rows(self) -> dict[str, Ids]:
        """Of values that have the same channels at every position: those of the last axis."""
        found = {}
        for v, ids in self.values.items():
            if ids.ndim:
                flat = ids.reshape(-1, ids.shape[-1])
                if (flat == flat[0]).all():
                    found[v] = flat[0].copy()
        return found


def couple(graph: Graph) -> Coupling:
    """Push ids through a graph and join what is tied."""
    ch = Channels()
    ids: dict[str, Ids] = {v: ch.new(graph.types[v].shape) for v in graph.inputs}
    for node in graph.nodes:
        for i, v in enumerate(node.inputs):
            if v in graph.constants and i not in node.op.weights and v not in ids:
                ids[v] = ch.new(graph.types[v].shape)
        args = [ids.get(v, _NONE) for v in node.inputs]
        out = node.op.couple(node, ch, graph.types_of(node), *args)
        assert out.shape == graph.types[node.output].shape, node
        ids[node.output] = out
    for v in graph.outputs:
        ch.pin(ids[v], OUTPUT)
    for v, port in graph.ports.items():
        if port.feeds and v in ids:  # in the row of all outputs too
            ch.pin(ids[v], KEPT)
    label = ch.join()
    inputs = _inputs(graph, ids, label)
    while _tie_slabs(ch, ids, label, inputs):
        label = ch.join()
        inputs = _inputs(graph, ids, label)
    reads = tuple(Read(r.node, r.weight, r.axis, label[r.ids]) for r in ch.reads)
    axes = {k: label[v] for k, v in ch.axes.items()}
    values = {k: label[v] for k, v in ids.items()}
    return Coupling(values, axes, reads, ch.pins(label), inputs, ch.averaged(label))


def _inputs(graph: Graph, ids: dict[str, Ids], label: Ids) -> NDArray[np.bool_]:
    found = np.zeros(label.max(initial=-1) + 1, bool)
    for v in graph.inputs:
        found[label[ids[v]]] = True
    return found


def _tie_slabs(ch: Channels, ids: dict[str, Ids], label: Ids, inputs: NDArray[np.bool_]) -> bool:
    """Tie what cannot go alone because no slab of a value would go with it; whether any was.

    A dense layer whose outputs are reshaped into an image is such a case. Elements of inputs may
    be scattered, as a ``Gather`` behind the last reshape skips them.
    """
    tied = False
    for v in ids.values():
        channels = label[v]
        if inputs[channels].all() or _depends_on_one_axis(channels):
            continue
        flat = v.reshape(-1, v.shape[-1])
        ch.tie(flat, flat[0])
        tied = True
    return tied


def _depends_on_one_axis(channels: Ids) -> bool:
    for axis in range(channels.ndim):
        rows = np.moveaxis(channels, axis, -1).reshape(-1, channels.shape[axis])
        if (rows == rows[0]).all():
            return True
    return channels.ndim == 0


_NONE: Ids = np.zeros(0, np.int64)
