"""From a window to a stream: a network over the last frames becomes one that takes the new ones.

Rows of an image are time. What a layer computes of rows that were there in the call before is not
computed again: the rows that are still needed are kept as states (Rybakov et al. 2020,
arXiv:2005.06720). Where rows are joined (a mean, a dense layer) all of them are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.passes import fresh
from edgeprune.frontends.ports import join_ports
from edgeprune.frontends.states import keeping
from edgeprune.frontends.upright import lies, lying, upright
from edgeprune.ir import (
    Array,
    Band,
    Graph,
    Node,
    Op,
    Port,
    TensorType,
    dequantise_array,
    quantise_array,
    run,
    run_int,
)
from edgeprune.ops import Concat, Pad, Reshape, Slice
from edgeprune.ops._window import NO_PADDING


@dataclass(frozen=True)
class Rows:
    """What is needed of a value of which some rows are new in every call.

    Attributes:
        needed: of the window's rows.
        fresh: how many of them, the last ones, are computed anew.
        moves: by how many rows it moves on in a call; None: all that is needed is computed anew.
    """

    needed: range
    fresh: int
    moves: int | None


class _OffBeatError(Exception):
    """A layer makes no whole number of rows of so many frames."""

    def __init__(self, node: Node) -> None:
        super().__init__(node.name)
        self.node = node


def streaming(graph: Graph, before: float = 0.0) -> Graph:
    """The network that takes, in every call, as few new frames as its strides allow.

    In every call it answers what the window answers that ends with these frames.

    Args:
        graph: one input, frames by channels, or an image whose rows are frames; float or quantised.
        before: what all elements of frames before the first call were, real value.

    Raises:
        EdgePruneError: its input is no such image, a layer needs to know where the window ends, or
            no layer works on frames.
    """
    ranks = [len(graph.types[v].shape) for v in graph.inputs]
    if ranks not in ([2], [3]) or graph.states:
        shapes = ", ".join(str(list(graph.types[v].shape)) for v in graph.inputs)
        what = f"the model takes {shapes}; a stream has one input, frames by channels, or an image"
        hint = "images are (frames, width, channels); in PyTorch (channels, frames, width)"
        raise EdgePruneError("--stream", what, hint)
    rows = upright(graph)
    made = _streaming(rows, before)
    return lying(made, graph) if lies(graph.types[graph.inputs[0]].shape) else made


def _streaming(graph: Graph, before: float) -> Graph:
    """The same of a network whose input has frames as rows."""
    what = "nothing that is computed of a window serves the next one"
    timed = _timed(graph)
    if timed == set(graph.inputs):
        hint = "frames must meet a layer that works on them before one that reads them all at once"
        raise EdgePruneError("--stream", what, hint)
    needed = _needed(graph, timed)
    window, stopped = len(needed[graph.inputs[0]]), -1  # the furthest node that was
    for frames in range(1, window):
        try:
            return _Stream(graph, _rows(graph, needed, frames), before).graph()
        except _OffBeatError as at:
            stopped = max(stopped, graph.nodes.index(at.node))
    if stopped < 0:
        raise EdgePruneError("--stream", what, "its answer depends on one frame: feed it that one")
    last = graph.nodes[stopped]
    never = f"no number of new frames below {window} moves {last.name} ({last.op.kind}) by rows"
    hint = (
        f"layers side by side need strides of which a number below {window} is a multiple; "
        "behind rows that are repeated (resize) there is no stream"
    )
    raise EdgePruneError("--stream", f"{what}: {never}", hint)


def windows(graph: Graph, stream: Graph, frames: Array) -> Array:
    """What the network over a window is given while a stream goes on.

    Args:
        graph: over a window.
        stream: what :func:`streaming` made of it.
        frames: (n, *input shape of the stream), real values.

    Returns:
        (n, *input shape of the window): zeros came before.
    """
    rows, v = upright(graph), graph.inputs[0]
    shape = rows.types[v].shape
    end = _needed(rows, _timed(rows))[v].stop
    flat = frames.reshape(-1, *shape[1:])
    new = len(flat) // len(frames)
    whole = np.concatenate([np.zeros((end - new, *shape[1:]), np.float32), flat])
    made = np.zeros((len(frames), *shape), np.float32)
    for i in range(len(frames)):
        made[i, :end] = whole[i * new : i * new + end]
    return made.reshape(-1, *graph.types[v].shape)


def _band(graph: Graph, node: Node, rows: range) -> Band | None:
    """How some rows of a node's result are computed alone, if constants do not tell rows apart."""
    types, y = graph.types_of(node), graph.types[node.output]
    joins = isinstance(node.op, Concat) and node.op.axis % len(y.shape) == 0
    if len(y.shape) != 3 or joins:  # joined rows do not move on together
        return None
    band = node.op.band(types, y, rows)
    for v, seen in zip(node.inputs, band.rows if band else (), strict=False):
        if v in graph.constants and seen is not None and graph.types[v].shape[0] != 1:
            return None
    return band


def _timed(graph: Graph) -> set[str]:
    """Values whose rows are made of neighbouring rows, from the input on."""
    found = set(graph.inputs)
    for node in graph.nodes:
        flows = [v for v in node.inputs if v not in graph.constants]
        if not set(flows) <= found or node.output in graph.outputs:
            continue
        band = _band(graph, node, range(graph.types[node.output].shape[0])) if flows else None
        if band is not None:
            seen = zip(node.inputs, band.rows, strict=True)
            if all(rows is not None for v, rows in seen if v in flows):
                found.add(node.output)
    return found


def _needed(graph: Graph, timed: set[str]) -> dict[str, range]:
    """By value whose rows are time, those that the answer depends on."""
    found: dict[str, range] = {}
    readers: dict[str, Node] = {}  # by value, a node that reads the first of these rows at once

    def wants(v: str, rows: range, reader: Node) -> None:
        old = found.get(v, rows)
        found[v] = range(min(old.start, rows.start), max(old.stop, rows.stop))
        if v not in readers or rows.start < old.start:
            readers[v] = reader

    for node in reversed(graph.nodes):
        if node.output not in timed:
            for v in node.inputs:
                if v in timed:
                    wants(v, _joined(graph, node, v), node)
        elif node.output in found:
            band = _band(graph, node, found[node.output])
            if band is None or _pads(band.op):
                raise EdgePruneError(
                    f"--stream: {node.name}",
                    f"pads the window's rows ({node.op.kind}), and the answer depends on it",
                    _remedy(graph, readers[node.output]),
                )
            for v, rows in zip(node.inputs, band.rows, strict=True):
                if v in timed and rows is not None:
                    wants(v, rows, readers[node.output])
    return found


def _remedy(graph: Graph, reader: Node) -> str:
    """What to do where a node reads rows that padding goes into."""
    if isinstance(reader.op, Slice):
        return "train it without padding in time, or with padding before the first frame only"
    while isinstance(reader.op, Reshape) and graph.users[reader.output]:
        reader = graph.users[reader.output][0]
    whole = f"{reader.name} ({reader.op.kind}) reads all rows"
    return f"{whole}: cut out the last ones before it, or train without padding in time"


def _joined(graph: Graph, node: Node, v: str) -> range:
    """The rows of a value that a node reads whose own rows are not time."""
    op = node.op
    if isinstance(op, Slice) and op.step[0] == 1:
        return range(op.start[0], op.stop[0])
    return range(graph.types[v].shape[0])


def _pads(op: Op) -> bool:
    """Whether an operator adds rows to its operand."""
    around = getattr(op, "padding", NO_PADDING)
    return bool(around.top or around.bottom or (isinstance(op, Pad) and any(op.widths[0])))


def _rows(graph: Graph, needed: Mapping[str, range], frames: int) -> dict[str, Rows]:
    """By value, what is kept and what is new where so many frames come in a call."""
    v = graph.inputs[0]
    found = {v: _moving(needed[v], frames)}
    for node in graph.nodes:
        rows = needed.get(node.output)
        if rows is None:
            continue
        moves = [found[v].moves for v in node.inputs if v in found]
        if len(rows) == 1 or None in moves:
            found[node.output] = Rows(rows, len(rows), None)
            continue
        ends = [_band(graph, node, range(rows.stop - k, rows.stop - k + 1)) for k in (1, 2)]
        steps = set()
        for i, v in enumerate(node.inputs):
            if v in found:
                last, before = (e.rows[i] if e else None for e in ends)
                assert last is not None
                assert before is not None
                moved = found[v].moves or 0
                stride = last.start - before.start
                if stride == 0 or moved % stride:
                    raise _OffBeatError(node)
                steps.add(moved // stride)
        if len(steps) > 1:
            raise _OffBeatError(node)
        found[node.output] = _moving(rows, steps.pop())
    return found


def _moving(rows: range, moves: int) -> Rows:
    return Rows(rows, len(rows), None) if moves >= len(rows) else Rows(rows, moves, moves)


class _Stream:
    """Builds the network of the new rows."""

    def __init__(self, graph: Graph, rows: Mapping[str, Rows], before: float) -> None:
        self.old, self.rows = graph, rows
        self.names = {n.name for n in graph.nodes} | set(graph.types)
        self.nodes: list[Node] = []
        self.known: dict[str, TensorType] = {}
        self.inputs: dict[str, TensorType] = {}
        self.ports = dict(graph.ports)
        self.pairs: dict[str, str] = {}
        self.held: dict[str, tuple[str, range]] = {}  # all rows that are there, and which
        self.first = _first(graph, before)

    def graph(self) -> Graph:
        """The whole of it."""
        old = self.old
        (source,) = old.inputs
        kind = self._type(source, self.rows[source].fresh)
        self.inputs[source] = kind
        self.ports[source] = self._port(source, kind)
        self._hold(source)
        for node in old.nodes:
            if node.output in self.rows:
                self._part(node)
            else:
                self._joining(node)
        made = old.rebuilt(
            self.nodes,
            inputs=self.inputs,
            outputs=(*old.outputs, *self.pairs.values()),
            known={v: t for v, t in self.known.items() if t.quant is not None},
            ports=self.ports,
        )
        return replace(keeping(made, self.pairs), notes=(*old.notes, self._note(source)))

    def _note(self, source: str) -> str:
        window, new = self.old.types[source].shape[0], self.rows[source].fresh
        return f"a call takes {new} new row{'s' * (new > 1)} in place of a window of {window}"

    def _type(self, v: str, rows: int) -> TensorType:
        t = self.old.types[v]
        return t.with_shape((rows, *t.shape[1:]))

    def _port(self, v: str, t: TensorType) -> Port:
        port = self.old.ports.get(v)
        if port is None:
            return Port(v, (1, *t.shape), dtype=t.dtype)
        at = (port.perm or (0, 1, 2)).index(0) + port.batched
        shape = list(port.shape)
        if len(shape) == 3 + port.batched:
            shape[at] = t.shape[0]
            return replace(port, shape=tuple(shape))
        return Port(port.name, (1, *t.shape), dtype=port.dtype)

    def _part(self, node: Node) -> None:
        """The new rows of a value."""
        v = node.output
        rows = self.rows[v]
        band = _band(self.old, node, range(rows.needed.stop - rows.fresh, rows.needed.stop))
        assert band is not None
        operands = tuple(
            self._taken(x, seen) if x in self.rows and seen is not None else x
            for x, seen in zip(node.inputs, band.rows, strict=True)
        )
        self.nodes.append(replace(node, op=band.op, inputs=operands))
        self.known[v] = self._type(v, rows.fresh)
        self._hold(v)

    def _joining(self, node: Node) -> None:
        """A node whose own rows are not time, on all rows that it reads."""
        operands, op = [], node.op
        for v in node.inputs:
            rows = _joined(self.old, node, v) if v in self.rows else None
            operands.append(v if rows is None else self._taken(v, rows))
            if rows is not None and isinstance(op, Slice) and op.step[0] == 1:
                op = replace(op, start=(0, *op.start[1:]), stop=(len(rows), *op.stop[1:]))
        self._add(replace(node, op=op, inputs=tuple(operands)), self.old.types[node.output])

    def _hold(self, v: str) -> None:
        """The rows of a value that others read: those of the calls before, and the new ones."""
        rows, read = self.rows[v], self._read(v)
        kept = len(read) - rows.fresh
        self.held[v] = v, range(read.stop - rows.fresh, read.stop)
        if kept <= 0:
            return
        state, whole, after = (fresh(self.names, f"{v}/{k}") for k in ("kept", "rows", "next"))
        self.inputs[state] = t = self._type(v, kept)
        first = self.first[v][0, read.start : read.stop - rows.fresh]
        initial = tuple(map(float, first.ravel())) if first.any() else ()
        shape = (1, *t.shape)
        self.ports[state] = Port(state, shape, dtype=t.dtype, initial=initial)
        self.ports[after] = Port(after, shape, dtype=t.dtype)
        self._add(Node(whole, Concat(0), (state, v), whole), self._type(v, len(read)))
        self._cut(whole, rows.fresh, len(read), after, v)
        self.pairs[state] = after
        self.held[v] = whole, read

    def _read(self, v: str) -> range:
        """The rows of a value that are read in a call, to the last."""
        rows = self.rows[v]
        start = rows.needed.stop - rows.fresh
        for node in self.old.users[v]:
            made = self.rows.get(node.output)
            if made is None:
                start = min(start, _joined(self.old, node, v).start)
                continue
            last = range(made.needed.stop - made.fresh, made.needed.stop)
            band = _band(self.old, node, last)
            assert band is not None
            seen = zip(node.inputs, band.rows, strict=True)
            start = min(start, *(r.start for x, r in seen if x == v and r is not None))
        return range(start, rows.needed.stop)

    def _taken(self, v: str, rows: range) -> str:
        """The value that has these rows of another one, and no others."""
        name, there = self.held[v]
        if rows == there:
            return name
        cut = fresh(self.names, f"{v}/{rows.start}")
        self._cut(name, rows.start - there.start, rows.stop - there.start, cut, v)
        return cut

    def _cut(self, source: str, start: int, stop: int, name: str, v: str) -> None:
        rest = self.old.types[v].shape[1:]
        op = Slice((start, 0, 0), (stop, *rest), (1, 1, 1))
        self._add(Node(name, op, (source,), name), self._type(v, stop - start))

    def _add(self, node: Node, t: TensorType) -> None:
        self.nodes.append(node)
        self.known[node.output] = t


def _first(graph: Graph, before: float) -> dict[str, Array]:
    """Real values of everything where all elements of the window are the same, (1, *shape)."""
    v = graph.inputs[0]
    x = np.full((1, *graph.types[v].shape), before, np.float32)
    if not graph.is_quantised:
        import torch

        with torch.inference_mode():
            made = run(join_ports(graph), {v: torch.from_numpy(x)})
            return {k: y.numpy() for k, y in made.items()}
    t = graph.types[v]
    found = run_int(graph, {v: x if t.quant is None else quantise_array(x, t)})
    types = graph.types
    return {
        k: y if types[k].quant is None else dequantise_array(y, types[k])
        for k, y in found.items()
    }  # fmt: skip
