"""Layers that run row by row through each other: which rows each makes when, and which are kept.

The first layer makes some rows in every turn, each of the others what it then has the rows for. No
row is made twice: those that are read again later stay (line buffers, as in fused-layer
accelerators: Alwani et al. 2016, https://doi.org/10.1109/MICRO.2016.7783725).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from edgeprune.ir.bands import Band, Part
from edgeprune.ir.graph import Graph, Node


@dataclass(frozen=True)
class Turn:
    """One turn of the loop.

    Attributes:
        made: by node, the rows of its result that it makes, and how; those that make none are left
            out. What is made of sums over rows has one row, that which each turn adds to.
        held: by inner value, which of its rows there are from when it has been made in this turn
            until its last reader has run; those of them that the next turn holds stay.
    """

    made: Mapping[str, tuple[range, Band]]
    held: Mapping[str, range]


class Moves(NamedTuple):
    """Rows of an inner value that move in a turn.

    Attributes:
        back: so many from where they lay aside, before more are made.
        below: when they have been read, those above so many rows
        left: move to where they stay, so many.
    """

    back: int
    below: int
    left: int


@dataclass(frozen=True)
class Span:
    """Nodes that run by rows, in the order in which they run in each turn.

    Attributes:
        nodes: the last one's result is all that others read.
        turns: in the order of time.
        most: by node, the rows that it makes in a turn, at the most.
        aside: inner values whose rows that stay lie in a place of their own from turn to turn: what
            they take while they are made and read, others have in the meantime. Rows of others stay
            where they are read, at the beginning.
    """

    nodes: tuple[Node, ...]
    turns: tuple[Turn, ...]
    most: tuple[int, ...]
    aside: frozenset[str] = frozenset()

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
    def last_reader(self) -> Mapping[str, Node]:
        """Of each inner value; when it has run, rows that stay move to where they do."""
        return {v: n for n in self.nodes for v in n.inputs if v in self.inner}

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

    def stays(self, value: str, turn: int) -> int:
        """Rows of an inner value that a turn leaves to the next one."""
        if not 0 <= turn < len(self.turns) - 1:
            return 0
        now, then = self.turns[turn].held[value], self.turns[turn + 1].held[value]
        return max(now.stop - then.start, 0)

    def moves(self, value: str, turn: int) -> Moves:
        """Which rows of an inner value move in a turn."""
        left, held = self.stays(value, turn), self.turns[turn].held[value]
        below = len(held) - left
        if self._users[value].isdisjoint(self.turns[turn].made):
            return Moves(0, 0, 0)
        if value in self.aside:
            return Moves(self.stays(value, turn - 1), below, left)
        return Moves(0, below, left if below else 0)

    @cached_property
    def _users(self) -> Mapping[str, frozenset[str]]:
        """By inner value, the names of what makes and reads it."""
        users = {v: [n.name for n in self.nodes if v in (n.output, *n.inputs)] for v in self.inner}
        return {v: frozenset(names) for v, names in users.items()}

    @cached_property
    def moved_rows(self) -> Mapping[str, int]:
        """How many rows of each inner value move in all turns."""
        turns = range(len(self.turns))
        moves = {v: [self.moves(v, i) for i in turns] for v in self.lasting}
        return {v: sum(m.back + m.left for m in found) for v, found in moves.items()}

    @cached_property
    def lasting(self) -> Mapping[str, int]:
        """The most rows that stay from one turn to the next, by inner value of which any do."""
        most = {v: max(self.stays(v, i) for i in range(len(self.turns))) for v in self.inner}
        return {v: rows for v, rows in most.items() if rows}


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
            stop = turn[name][0].stop if name in turn else now[v].stop
            # rows that nothing reads need a place as well
            start = min(needed.get(v, stop), now[v].stop)
            now[v] = range(max(start, now[v].start), stop)
        held.append(dict(now))
    return held
