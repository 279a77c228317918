"""Removing channels for good: a smaller graph that computes what the masked one computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import (
    Array,
    Coupling,
    Folded,
    Graph,
    Ids,
    LinearOp,
    Node,
    QuantParams,
    Read,
    TensorType,
)
from edgeprune.ops import Convolution, ConvTranspose2d, Gather

Mask = NDArray[np.bool_]
Fill = Mapping[str, Array]
Kept = tuple[Array, ...]  # for each axis, the indices that stay


def compact(graph: Graph, coupling: Coupling, removed: Mask, fill: Fill | None = None) -> Graph:
    """The network without some channels, equal to the one in which they are masked.

    Masked means: every node that mixes channels (convolution, dense) sees, in place of a removed
    channel, a constant; 0 where nothing else is said. Constants other than 0 go into the bias.
    A mean of channels sees the mean of those that stay.
    Removed elements of an input stay in the interface and are skipped by a ``Gather``.

    Args:
        graph: float or quantised.
        coupling: of this graph.
        removed: by channel; none of them pinned, and no value may be emptied.
        fill: by name of a value that is read, what its removed channels are seen as: one number
            an index of the value's last axis, in the value's own arithmetic (integers where it is
            quantised). A padded convolution sees 0 in its border and so can only be given 0; ask
            :func:`folds`.
    """
    if not removed.any():
        return graph
    assert not (removed & coupling.pinned).any(), "a pinned channel cannot be removed"
    return _Compaction(graph, coupling, removed, dict(fill or {})).run()


def folds(graph: Graph, read: Read) -> bool:
    """Whether a constant other than 0 at this read can become part of the bias, exactly."""
    op = graph.node(read.node).op
    if isinstance(op, Convolution):
        return not op.padding.any
    return not isinstance(op, ConvTranspose2d)


def kept_slab(gone: Mask) -> Kept | None:
    """For each axis the indices that stay; None if what is removed is not made of whole slabs."""
    stays = ~gone
    axes = range(stays.ndim)
    kept = tuple(
        np.flatnonzero(stays.any(axis=tuple(a for a in axes if a != axis))) for axis in axes
    )
    return kept if stays[np.ix_(*kept)].all() else None


def kept_of(coupling: Coupling, removed: Mask, value: str) -> Kept | None:
    """For each axis of a value the indices that stay; None where they are no slab."""
    if value in coupling.rows:
        lead = coupling.values[value].shape[:-1]
        last = np.flatnonzero(~removed[coupling.rows[value]])
        kept: Kept | None = (*map(np.arange, lead), last)
    else:
        kept = kept_slab(removed[coupling.values[value]])
    assert kept is None or all(map(len, kept)), f"nothing would be left of {value!r}"
    return kept


def kept_constant(graph: Graph, coupling: Coupling, removed: Mask, node: Node, i: int) -> Kept:
    """For each axis of a constant operand the indices that stay."""
    name = node.inputs[i]
    if i not in node.op.weights:
        kept = kept_of(coupling, removed, name)
        assert kept is not None, f"{name}: what is removed of it is not a whole slab"
        return kept
    lengths = enumerate(graph.types[name].shape)
    return tuple(_kept_indices(coupling, removed, name, axis, n) for axis, n in lengths)


def _kept_indices(
    coupling: Coupling, removed: Mask, constant: str, axis: int, length: int
) -> Array:
    ids: Ids | None = coupling.axes.get((constant, axis))
    kept: Array = np.arange(length) if ids is None else np.flatnonzero(~removed[ids])
    assert len(kept), f"nothing would be left of {constant!r}"
    return kept


class _Compaction:
    """One compaction. ``have`` says what is left of each value that exists so far."""

    def __init__(
        self, graph: Graph, coupling: Coupling, removed: Mask, fill: dict[str, Array]
    ) -> None:
        self.graph = graph
        self.coupling = coupling
        self.removed = removed
        self.fill = fill
        self.reads = {r.node: r for r in coupling.reads}
        self.have: dict[str, Kept] = {}
        self.names: dict[str, str] = {}  # what a value is called now
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.types: dict[str, TensorType] = {}

    def run(self) -> Graph:
        graph = self.graph
        for v in graph.inputs:
            self._whole(v)
        for node in graph.nodes:
            if any(self._is_late(v) for v in node.inputs if v not in graph.constants):
                self._move(node)
            else:
                self._shrink(node)
        return graph.rebuilt(
            self.nodes,
            outputs=[self.names[v] for v in graph.outputs],
            constants=self.constants,
            types={k: self.types[k] for k in self.constants},
            known=self.types,
        )

    def _wanted(self, v: str) -> Kept | None:
        return kept_of(self.coupling, self.removed, v)

    def _is_late(self, v: str) -> bool:
        """Whether a value has elements of an input that are still to be skipped."""
        kept = self._wanted(v)
        return kept is None or not _same(kept, self.have[v])

    def _whole(self, v: str) -> None:
        """A value of which all is there; skip what is not wanted as soon as a Gather can."""
        shape = self.graph.types[v].shape
        self.have[v] = tuple(map(np.arange, shape))
        self.names[v] = v
        users = self.graph.users[v]
        kept = self._wanted(v)
        if kept is None or not self._is_late(v) or not _only_last(kept, shape):
            return
        if users and all(isinstance(n.op, Gather) for n in users):
            return  # those skip it themselves
        self.names[v] = self._fresh(f"{v}.kept")
        op = Gather(tuple(kept[-1].tolist()))
        self._put(Node(self.names[v], op, (v,), self.names[v]), v, kept)

    def _move(self, node: Node) -> None:
        """A node in front of the place where inputs can be skipped: leave it as it is."""
        if isinstance(node.op, Gather):
            kept = self._wanted(node.output)
            assert kept is not None, node.name
            assert _only_last(kept, self.graph.types[node.output].shape), node.name
            wanted = tuple(np.asarray(node.op.indices)[kept[-1]].tolist())
            inputs = tuple(self.names[v] for v in node.inputs)
            self.names[node.output] = node.output
            self._put(replace(node, op=Gather(wanted), inputs=inputs), node.output, kept)
            return
        assert not node.op.weights, f"{node.name}: its inputs cannot be skipped by a gather"
        for v in node.inputs:
            whole = tuple(map(np.arange, self.graph.types[v].shape))
            if v in self.graph.constants:
                self._constant(v, whole)
            else:
                assert _same(self.have[v], whole), f"{node.name}: reads whole and skipped inputs"
        self.nodes.append(node)
        self.types[node.output] = self.graph.types[node.output]
        self._whole(node.output)

    def _shrink(self, node: Node) -> None:
        operands = [self._operand(node, i, v) for i, v in enumerate(node.inputs)]
        kept = self._wanted(node.output)
        assert kept is not None, f"{node.name}: what is removed of it is not a whole slab"
        inputs = [self.names.get(v, v) for v in node.inputs]
        if node.name in self.reads:
            inputs[2] = self._bias(node, self.reads[node.name])
        self.names[node.output] = node.output
        op = node.op.shrink(operands, kept)
        self._put(replace(node, op=op, inputs=tuple(inputs)), node.output, kept)

    def _put(self, node: Node, source: str, kept: Kept) -> None:
        self.nodes.append(node)
        self.have[source] = kept
        self.types[node.output] = self.graph.types[source].with_shape(tuple(map(len, kept)))

    def _operand(self, node: Node, i: int, v: str) -> Kept:
        if v not in self.graph.constants:
            return self.have[v]
        kept = kept_constant(self.graph, self.coupling, self.removed, node, i)
        self._constant(v, kept)
        return kept

    def _constant(self, name: str, kept: Kept) -> None:
        value = np.require(self.graph.constants[name][np.ix_(*kept)], requirements=["C", "W"])
        known = self.constants.get(name)
        assert known is None or known.shape == value.shape, f"{name} is needed in two sizes"
        self.constants[name] = value
        self.types[name] = sliced(self.graph.types[name], kept)

    def _bias(self, node: Node, read: Read) -> str:
        """The node's bias with what its removed channels are seen as; its name."""
        name = node.inputs[2]
        left = self._left(node, read)
        if not left.any():
            return name
        assert folds(self.graph, read), f"{node.name} is padded: it cannot take constants but 0"
        w = self.graph.constants[node.inputs[1]]
        wide = np.float64 if np.issubdtype(w.dtype, np.floating) else np.int64
        per_channel = w.reshape(len(left), -1, *w.shape[1:-1], w.shape[-1]).astype(wide)
        spread = per_channel.sum(axis=tuple(range(2, per_channel.ndim - 1)))
        add = np.einsum("goi,gi->go", spread, left.astype(wide)).ravel()
        kept = _kept_indices(self.coupling, self.removed, name, 0, len(add))
        old = self.graph.constants[name][kept]
        folded = self._fresh(name) if len(self.graph.users[name]) > 1 else name
        self.types[folded] = sliced(self.graph.types[name], (kept,))
        self.constants[folded] = (old.astype(wide) + add[kept]).astype(old.dtype)
        return folded

    def _left(self, node: Node, read: Read) -> Array:
        """Beyond zero, what the node sees of removed channels: (groups, channels of a group)."""
        groups = node.op.groups if isinstance(node.op, LinearOp) else 1
        gone = np.tile(self.removed[read.ids], groups)
        value = node.inputs[0]
        if value not in self.fill:
            return np.zeros((groups, len(read.ids)))
        quant = self.graph.types[value].quant
        zero = 0 if quant is None else quant.scalar[1]
        wide = np.float64 if quant is None else np.int64  # int8 less a zero point is no int8
        return np.where(gone, self.fill[value].astype(wide) - zero, 0).reshape(groups, -1)

    def _fresh(self, name: str) -> str:
        taken = {n.name for n in self.graph.nodes} | set(self.graph.types) | set(self.types)
        while name in taken:
            name += "_"
        return name


def _same(a: Kept, b: Kept) -> bool:
    return all(np.array_equal(i, j) for i, j in zip(a, b, strict=True))


def _only_last(kept: Kept, shape: tuple[int, ...]) -> bool:
    return tuple(map(len, kept[:-1])) == shape[:-1]


def sliced(t: TensorType, kept: Kept) -> TensorType:
    """The type of a constant of which only some indices stay."""
    quant, folded = t.quant, t.folded
    if folded is not None:
        folded = Folded(tuple(folded.factor[i] for i in kept[folded.axis]), folded.axis)
    if quant is not None and quant.axis is not None:
        rows = kept[quant.axis]
        quant = QuantParams(
            tuple(quant.scale[i] for i in rows),
            tuple(quant.zero_point[i] for i in rows),
            quant.axis,
        )
    return replace(t, shape=tuple(map(len, kept)), quant=quant, folded=folded)


def old_channels(old: Coupling, removed: Mask, new: Coupling) -> Ids:
    """For each channel of a compacted graph, which one of the original it is.

    Args:
        old: the original's coupling.
        removed: what was removed from it.
        new: the coupling of ``compact(graph, old, removed)``.
    """
    found: Ids = np.full(new.count, -1)
    for v in new.values.keys() & old.values.keys():
        ids = old.values[v]
        if ids.shape != new.values[v].shape:
            kept = kept_slab(removed[ids])
            assert kept is not None, v
            ids = ids[np.ix_(*kept)]
        found[new.values[v]] = ids
    return found
