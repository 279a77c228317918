"""Layers that run row by row through each other: which rows each makes when, and which are kept.

The first layer makes some rows in every turn, each of the others what it then has the rows for. No
row is made twice: those that are read again later stay (line buffers, as in fused-layer
accelerators: Alwani et al. 2016, https://doi.org/10.1109/MICRO.2016.7783725).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from edgeprune.ir.bands import Band, Part
from edgeprune.ir.graph import Graph, Node


@dataclass(frozen=True)
class Turn:
    """One turn of the loop.

    Attributes:
        made: by node, the rows of its result that it makes, and how; those that make none are left
            out. What is made of sums over rows has one row, that which each turn adds to.
        held: by inner value, which of its rows there are when it has been made in this turn.
    """

    made: Mapping[str, tuple[range, Band]]
    held: Mapping[str, range]


@dataclass(frozen=True)
class Span:
    """Nodes that run by rows, in the order in which they run in each turn.

    Attributes:
        nodes: the last one's result is all that others read.
        turns: in the order of time.
        most: by node, the rows that it makes in a turn, at the most.
    """

    nodes: tuple[Node, ...]
    turns: tuple[Turn, ...]
    most: tuple[int, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """Of the nodes."""
        return frozenset(n.name for n in self.nodes)

    @property
    def result(self) -> str:
        """The value that is there as a whole in the end."""
        return self.nodes[-1].output

    @cached_property
    def inner(self) -> frozenset[str]:
        """Values of which there are never more than some rows."""
        return frozenset(n.output for n in self.nodes[:-1])

    @cached_property
    def read(self) -> frozenset[str]:
        """Values from outside that are read row by row."""
        found = {
            v
            for node in self.nodes
            for turn in self.turns
            if node.name in turn.made
            for v, rows in zip(node.inputs, turn.made[node.name][1].rows, strict=True)
            if rows is not None
        }
        return frozenset(found - self.inner)

    @cached_property
    def sums(self) -> bool:
        """Whether the last node adds up rows as they come, from the first turn to the last."""
        last = (t.made.get(self.nodes[-1].name) for t in self.turns)
        return any(made is not None and made[1].part is not None for made in last)

    def height(self, value: str) -> int:
        """The most rows of an inner value that there are at once."""
        return max(len(t.held[value]) for t in self.turns)

    def moved(self, value: str, turn: int) -> tuple[int, int]:
        """Rows of an inner value that move before more are made, and by how many rows."""
        if turn == 0:
            return 0, 0
        before, now = self.turns[turn - 1].held[value], self.turns[turn].held[value]
        return (before.stop - now.start, now.start - before.start) if before != now else (0, 0)

    @cached_property
    def lasting(self) -> frozenset[str]:
        """Inner values some rows of which are needed beyond the turn that makes them."""
        return frozenset(v for v in self.inner if self._lasts(v))

    def _lasts(self, value: str) -> bool:
        readers = [n for n in self.nodes if value in n.inputs]
        made = next(n for n in self.nodes if n.output == value)
        for turn in self.turns:
            rows = turn.held[value]
            fresh = turn.made.get(made.name)
            if fresh is None or fresh[0] != rows:
                if rows and any(n.name in turn.made for n in readers):
                    return True
            elif any(n.name not in turn.made for n in readers):
                return True
        return False


Bands = dict[tuple[str, range], Band | None]
"""How some rows of a node's result are computed alone, by the node's name."""


def span_of(
    graph: Graph, nodes: Sequence[Node], most: Sequence[int], known: Bands | None = None
) -> Span | None:
    """The nodes run by rows.

    Args:
        graph: the network.
        nodes: neighbours in an order in which they can run.
        most: by node, rows that it makes in a turn at the most. It waits for so many, but at first
            and in the end.
        known: bands of this network, which others are added to; None: of no other span.

    Returns:
        None where a node cannot be computed by rows, or others read more than the last one's
        result.
    """
    if not _is_closed(graph, nodes):
        return None
    ends = dict.fromkeys((n.output for n in nodes), 0)
    heights = {v: graph.types[v].shape[0] for v in ends}
    if _sums(graph, nodes[-1]):  # it goes through the rows of its operand
        heights[nodes[-1].output] = graph.types[nodes[-1].inputs[0]].shape[0]
    known = {} if known is None else known
    made: list[dict[str, tuple[range, Band]]] = []
    while ends[nodes[-1].output] < heights[nodes[-1].output]:
        turn: dict[str, tuple[range, Band]] = {}
        for node, limit in zip(nodes, most, strict=True):
            is_sum = node is nodes[-1] and _sums(graph, node)
            found = (
                _sum(node, ends, heights)
                if is_sum
                else _next(graph, node, limit, ends, heights, known)
            )
            if found is not None:
                turn[node.name] = (range(1), found[1]) if is_sum else found
                ends[node.output] = found[0].stop
        if not turn:
            return None
        made.append(turn)
    held = _held(nodes, made)
    turns = (Turn(m, h) for m, h in zip(made, held, strict=True))
    return Span(tuple(nodes), tuple(turns), tuple(most))


def _is_closed(graph: Graph, nodes: Sequence[Node]) -> bool:
    """Whether all are images, and nothing but the last one is read by others."""
    names = {n.name for n in nodes}
    inner = [n.output for n in nodes[:-1]]
    users = (u.name for v in inner for u in graph.users[v])
    made = nodes[:-1] if _sums(graph, nodes[-1]) else nodes
    images = all(len(graph.types[n.output].shape) == 3 for n in made)
    return images and all(u in names for u in users) and not set(inner) & set(graph.outputs)


def _sums(graph: Graph, node: Node) -> bool:
    return node.op.sums_rows(graph.types_of(node), graph.types[node.output])


def _sum(
    node: Node, ends: Mapping[str, int], heights: Mapping[str, int]
) -> tuple[range, Band] | None:
    """Which rows a sum adds next."""
    start, height = ends[node.output], heights[node.output]
    rows = range(start, ends.get(node.inputs[0], height))
    part = Part(height, first=start == 0, last=rows.stop == height)
    return (rows, Band(node.op, (rows,), part)) if rows else None


def _next(
    graph: Graph,
    node: Node,
    limit: int,
    ends: Mapping[str, int],
    heights: Mapping[str, int],
    known: Bands,
) -> tuple[range, Band] | None:
    """What a node makes next, of what there is."""
    start, height = ends[node.output], heights[node.output]
    last = all(ends[v] == heights[v] for v in node.inputs if v in ends)
    least = 1 if start == 0 or last else limit
    for stop in range(min(start + limit, height), start + least - 1, -1):
        rows = range(start, stop)
        key = node.name, rows
        if key not in known:
            known[key] = node.op.band(graph.types_of(node), graph.types[node.output], rows)
        band = known[key]
        if band is not None and _is_there(graph, node, band, ends):
            return rows, band
    return None


def _is_there(graph: Graph, node: Node, band: Band, ends: Mapping[str, int]) -> bool:
    """Whether all rows have been made that a band reads."""
    for v, rows in zip(node.inputs, band.rows, strict=True):
        if (rows is None) != (v in graph.constants):
            return False  # rows of a constant, or all of what is made by rows
        if rows is not None and rows.stop > ends.get(v, rows.stop):
            return False
    return True


def _held(
    nodes: Sequence[Node], made: Sequence[Mapping[str, tuple[range, Band]]]
) -> list[dict[str, range]]:
    """By turn, which rows there are of each inner value."""
    inner = {n.output: n.name for n in nodes[:-1]}
    low: dict[str, int] = {}  # the first row that is read from a turn on
    lows: list[dict[str, int]] = []
    for turn in reversed(made):
        for node in (n for n in nodes if n.name in turn):
            for v, rows in zip(node.inputs, turn[node.name][1].rows, strict=True):
                if v in inner and rows is not None:
                    low[v] = min(rows.start, low.get(v, rows.start))
        lows.append(dict(low))
    held: list[dict[str, range]] = []
    now = dict.fromkeys(inner, range(0))
    for turn, needed in zip(made, reversed(lows), strict=True):
        for v, name in inner.items():
            if name in turn:
                fresh = turn[name][0]
                start = min(needed.get(v, fresh.start), fresh.start)
                now[v] = range(max(start, now[v].start), fresh.stop)
        held.append(dict(now))
    return held
