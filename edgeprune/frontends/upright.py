"""A network over a sequence as one over an image whose rows are the frames.

Readers hold a sequence (frames, channels) as it is, and hand it to layers as an image of height 1
(1, frames, channels). What works along rows, such as a stream, wants (frames, 1, channels): the
same elements in the same order, so that going over costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from edgeprune.frontends.passes import fresh
from edgeprune.ir import Array, Graph, Node, Op, TensorType, dequantise_array
from edgeprune.ops import Concat, Convolution, Pad, Reshape, Slice
from edgeprune.ops._window import Padding
from edgeprune.ops.pool import AvgPool2d, MaxPool2d

Shape = tuple[int, ...]
Layer = TypeVar("Layer", bound=Convolution)


def lies(shape: Shape) -> bool:
    """Whether these are frames that lie: (frames, channels), or an image of height 1."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)


def stood(shape: Shape) -> Shape:
    """The shape of frames that lie, as rows."""
    return (*shape[-2:-1], 1, *shape[-1:])


def upright(graph: Graph) -> Graph:
    """The same network, of which the input and what is computed frame by frame have frames as rows.

    Frames of zeros that a model joins to its own are padding.

    Args:
        graph: one input, frames that lie or frames as rows.
    """
    (source,) = graph.inputs
    flat = lies(graph.types[source].shape)
    nodes = [_padded(graph, n, -2 if flat else 0) for n in graph.nodes]
    graph = graph if nodes == list(graph.nodes) else graph.rebuilt(nodes)
    return _Upright(graph, source).graph() if flat else graph


def _padded(graph: Graph, node: Node, axis: int) -> Node:
    """A node that joins zeros before or behind one value along the frames, as one that pads."""
    y, rank = graph.types[node.output], len(graph.types[node.output].shape)
    moving = [v for v in node.inputs if v not in graph.constants]
    if not isinstance(node.op, Concat) or len(moving) != 1 or rank not in (2, 3):
        return node
    axis %= rank
    alike = all(graph.types[v].quant == y.quant for v in node.inputs)
    if node.op.axis % rank != axis or not alike or not _silent(graph, node):
        return node
    lengths = [graph.types[v].shape[axis] for v in node.inputs]
    at = node.inputs.index(moving[0])
    before, after = ([0] * rank for _ in "ab")
    before[axis], after[axis] = sum(lengths[:at]), sum(lengths[at + 1 :])
    return replace(node, op=Pad(tuple(before), tuple(after)), inputs=(moving[0],))


def _silent(graph: Graph, node: Node) -> bool:
    """Whether all constants that a node reads are zeros."""
    held = [(graph.constants[v], graph.types[v]) for v in node.inputs if v in graph.constants]
    return not any(np.any(a if t.quant is None else dequantise_array(a, t)) for a, t in held)


def lying(stream: Graph, window: Graph) -> Graph:
    """A network over rows that takes frames that lie.

    Args:
        stream: made of the upright network; the input is (frames, 1, channels), fewer of them.
        window: the network as it was before; its input says how they lie.
    """
    (source,) = window.inputs
    t, shape = stream.types[source], window.types[source].shape
    frames = t.shape[0]
    names = {n.name for n in stream.nodes} | set(stream.types)
    rows, ports = fresh(names, f"{source}/rows"), dict(stream.ports)
    if source in window.ports:
        port = window.ports[source]
        axis = (port.perm or tuple(range(len(shape)))).index(len(shape) - 2) + port.batched
        lengths = tuple(frames if i == axis else n for i, n in enumerate(port.shape))
        ports[source] = replace(port, shape=lengths)
    nodes = [replace(n, inputs=tuple(rows if v == source else v for v in n.inputs))
             for n in stream.nodes]  # fmt: skip
    flat = t.with_shape((*shape[:-2], frames, shape[-1]))
    return stream.rebuilt(
        [Node(rows, Reshape(t.shape), (source,), rows), *nodes],
        inputs={v: flat if v == source else stream.types[v] for v in stream.inputs},
        ports=ports,
    )


Turned = tuple[Op, tuple[str, ...]]


class _Upright:
    def __init__(self, graph: Graph, source: str) -> None:
        self.old, self.source = graph, source
        self.names = {n.name for n in graph.nodes} | set(graph.types)
        self.rows = {source: source}  # by value, what has its frames as rows
        self.flat: dict[str, str] = {}  # and what has them as they were
        self.turned: dict[str, str] = {}
        self.nodes: list[Node] = []
        self.constants = dict(graph.constants)
        self.types = {v: t for v, t in graph.types.items() if t.quant is not None}

    def graph(self) -> Graph:
        """The whole of it."""
        old = self.old
        for node in old.nodes:
            if not self._same(node) and not self._turned(node):
                wanted = tuple(self._as_it_was(v, node) for v in node.inputs)
                self.nodes.append(replace(node, inputs=wanted))
        for v in old.outputs:
            if v in self.rows:
                name = fresh(self.names, f"{v}/lying")
                self.nodes.append(Node(name, Reshape(old.types[v].shape), (self.rows[v],), v))
        t = old.types[self.source]
        return old.rebuilt(
            self.nodes,
            inputs={self.source: t.with_shape(stood(t.shape))},
            constants=self.constants,
            types={k: t for k, t in self.types.items() if k in self.constants},
            known={k: t for k, t in self.types.items() if k not in self.constants},
        )

    def _same(self, node: Node) -> bool:
        """Whether a node only lays the same frames down in another way."""
        v, shape = node.inputs[0], self.old.types[node.output].shape
        same = isinstance(node.op, Reshape) and v in self.rows and lies(shape)
        if not same or stood(shape) != stood(self.old.types[v].shape):
            return False
        self.rows[node.output] = self.rows[v]
        return True

    def _as_it_was(self, v: str, node: Node) -> str:
        """A value for a node that does not work on rows; any Reshape does."""
        if v not in self.rows or isinstance(node.op, Reshape):
            return self.rows.get(v, v)
        if v not in self.flat:
            self.flat[v] = name = fresh(self.names, f"{v}/lying")
            self.nodes.append(Node(name, Reshape(self.old.types[v].shape), (self.rows[v],), name))
            self._keep(name, self.old.types[v])
        return self.flat[v]

    def _keep(self, name: str, t: TensorType) -> None:
        if t.quant is not None:
            self.types[name] = t

    def _turned(self, node: Node) -> bool:
        """Whether a node works on rows from now on."""
        t = self.old.types[node.output]
        if not lies(t.shape) or self.rows.keys().isdisjoint(node.inputs):
            return False
        made = self._pairwise(node) if node.op.elementwise else self._op(node)
        if made is None:
            return False
        op, operands = made
        final = node.output in self.old.outputs
        name = fresh(self.names, f"{node.output}/rows") if final else node.output
        self.nodes.append(replace(node, op=op, inputs=operands, output=name))
        self._keep(name, t.with_shape(stood(t.shape)))
        self.rows[node.output] = name
        return True

    def _op(self, node: Node) -> Turned | None:
        """The operator on rows, and its operands."""
        op, v = node.op, node.inputs[0]
        if any(x not in self.rows for x in node.inputs if x not in self.old.constants):
            return None
        if isinstance(op, Concat):
            return self._joined(op, node.inputs)
        if v not in self.rows:
            return None
        x = self.rows[v]
        if isinstance(op, Convolution):
            weights = self._constant(node.inputs[1], lambda w: w.swapaxes(*op.window_axes))
            return _layer(op), (x, weights, node.inputs[2])
        if isinstance(op, MaxPool2d | AvgPool2d):
            around = _turned(op.padding)
            kernel, stride = op.kernel[::-1], op.stride[::-1]
            return replace(op, kernel=kernel, stride=stride, padding=around), (x,)
        if isinstance(op, Pad):
            return replace(op, before=_axes(op.before, 0), after=_axes(op.after, 0)), (x,)
        if isinstance(op, Slice):
            return Slice(_axes(op.start, 0), _axes(op.stop, 1), _axes(op.step, 1)), (x,)
        return None

    def _joined(self, op: Concat, inputs: tuple[str, ...]) -> Turned | None:
        """Frames behind frames or channels behind channels, some of them constant."""
        rank = len(self.old.types[inputs[0]].shape)
        if op.axis % rank < rank - 2:
            return None
        axis = 2 if op.axis % rank == rank - 1 else 0
        return Concat(axis), tuple(self.rows.get(v) or self._stood(v) for v in inputs)

    def _pairwise(self, node: Node) -> Turned | None:
        """An elementwise operator: beside rows it reads constants, or one number a channel."""
        operands = []
        for v in node.inputs:
            shape = self.old.types[v].shape
            if v in self.rows:
                operands.append(self.rows[v])
            elif v in self.old.constants and len(shape) in (2, 3):
                operands.append(self._stood(v))
            elif all(n == 1 for n in shape[:-1]):
                operands.append(v)
            else:
                return None
        return node.op, tuple(operands)

    def _stood(self, v: str) -> str:
        """A constant whose frames are rows."""
        return self._constant(v, lambda a: a.reshape(stood(a.shape)))

    def _constant(self, v: str, turn: Callable[[Array], Array]) -> str:
        """A constant, turned."""
        made = np.ascontiguousarray(turn(self.old.constants[v]))
        if v not in self.turned:
            self.turned[v] = fresh(self.names, f"{v}/rows")
        name = self.turned[v]
        self.constants[name] = made
        self._keep(name, self.old.types[v].with_shape(made.shape))
        return name


def _layer(op: Layer) -> Layer:
    """A convolution whose rows are columns."""
    flipped = replace(op, stride=op.stride[::-1], dilation=op.dilation[::-1])
    return replace(flipped, padding=_turned(op.padding))


def _turned(p: Padding) -> Padding:
    return Padding(p.left, p.top, p.right, p.bottom)


def _axes(values: Shape, width: int) -> Shape:
    """One number an axis: of rows, of the width, of channels."""
    *rest, frames, channels = values
    return (frames, rest[0] if rest else width, channels)
