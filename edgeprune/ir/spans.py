"""Finds what layers that run by rows make when, and what is kept of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate

from edgeprune.ir.bands import Band, Part
from edgeprune.ir.graph import Graph, Node
from edgeprune.ir.span import Kept, Made, Span, Step


def span_of(
    graph: Graph, nodes: Sequence[Node], most: Sequence[int], *, catches_up: bool = False
) -> Span | None:
    """As :meth:`Spans.of`, of one span."""
    return Spans(graph).of(nodes, most, catches_up=catches_up)


class Spans:
    """Spans of a network.

    What a node makes follows from what its operands' nodes do alone, and is found once for all
    spans that have these in common.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._bands: dict[str, dict[tuple[int, int], Band | None]] = {}
        self._made: dict[Hashable, Made] = {}
        self._distinct: dict[Hashable, Made] = {}
        self._kept: dict[Hashable, Kept] = {}
        self._sums: dict[str, bool] = {}

    def of(
        self, nodes: Sequence[Node], most: Sequence[int], *, catches_up: bool = False
    ) -> Span | None:
        """The nodes run by rows.

        Args:
            nodes: neighbours in an order in which they can run.
            most: by node, rows that it makes in a turn at the most. It waits for so many, but at
                first and in the end.
            catches_up: whether a node may make as many more in the end as it made less at first,
                since those in front of it make rows that it waits for.

        Returns:
            None where a node cannot be computed by rows, or others read more than the last one's
            result.
        """
        if not self._is_closed(nodes):
            return None
        by_value: dict[str, Made] = {}
        for node, limit in zip(nodes, most, strict=True):
            by_value[node.output] = self._makes(
                node, limit, by_value, last=node is nodes[-1], catches_up=catches_up
            )
        result = by_value[nodes[-1].output]
        if not result.ends or result.ends[-1] < self._height(nodes[-1]):
            return None
        count = len(result.ends)
        made = {n.name: self._until(n, by_value[n.output], count) for n in nodes}
        kept = {n.output: self._keeps(n, nodes, made) for n in nodes[:-1]}
        return Span(tuple(nodes), made, kept, tuple(most), catches_up)

    def _is_closed(self, nodes: Sequence[Node]) -> bool:
        """Whether all are images, and nothing but the last one is read by others."""
        graph, names = self._graph, {n.name for n in nodes}
        inner = [n.output for n in nodes[:-1]]
        users = (u.name for v in inner for u in graph.users[v])
        made = nodes[:-1] if self._is_sum(nodes[-1]) else nodes
        images = all(len(graph.types[n.output].shape) == 3 for n in made)
        return images and all(u in names for u in users) and not set(inner) & set(graph.outputs)

    def _is_sum(self, node: Node) -> bool:
        graph = self._graph
        if node.name not in self._sums:
            found = node.op.sums_rows(graph.types_of(node), graph.types[node.output])
            self._sums[node.name] = found
        return self._sums[node.name]

    def _height(self, node: Node) -> int:
        """Rows that a node makes in all; of a sum, those of its operand, which it goes through."""
        of = node.inputs[0] if self._is_sum(node) else node.output
        return self._graph.types[of].shape[0]

    def _makes(
        self,
        node: Node,
        limit: int,
        made: Mapping[str, Made],
        *,
        last: bool,
        catches_up: bool,
    ) -> Made:
        """What it makes of what there is, until there is all or nothing more."""
        inner = tuple((v, made[v]) for v in dict.fromkeys(node.inputs) if v in made)
        sums = last and self._is_sum(node)
        key = node.name, limit, sums, inner, catches_up
        if key not in self._made:
            height = self._height(node) if sums else self._graph.types[node.output].shape[0]
            steps: list[Step | None] = []
            turns = max((len(m.ends) for _, m in inner), default=0)
            ends, behind = [0], 0
            while ends[-1] < height:
                turn = len(steps)
                there = {v: m.ends[min(turn, len(m.ends) - 1)] if m.ends else 0 for v, m in inner}
                step, end = (
                    self._sum(node, ends[-1], there)
                    if sums
                    else self._next(node, limit, ends[-1], there, behind if catches_up else 0)
                )
                if step is None and turn >= turns:
                    break
                if step is not None and ends[-1] == 0:
                    behind = limit - end
                steps.append(step)
                ends.append(end)
            self._made[key] = self._one((node.name, sums), steps, ends[1:])
        return self._made[key]

    def _one(self, of: Hashable, steps: Sequence[Step | None], ends: Sequence[int]) -> Made:
        return self._distinct.setdefault((of, *ends), Made(tuple(steps), tuple(ends)))

    def _until(self, node: Node, made: Made, count: int) -> Made:
        """The same in as many turns as the span has."""
        if len(made.ends) == count:
            return made
        rest = count - len(made.ends)
        steps = (*made.steps, *[None] * rest)[:count]
        return self._one((node.name, False), steps, (*made.ends, *made.ends[-1:] * rest)[:count])

    def _sum(self, node: Node, start: int, there: Mapping[str, int]) -> tuple[Step | None, int]:
        """Which rows a sum adds next; its result is one row."""
        height = self._height(node)
        rows = range(start, there.get(node.inputs[0], height))
        part = Part(height, first=start == 0, last=rows.stop == height)
        return ((range(1), Band(node.op, (rows,), part)), rows.stop) if rows else (None, start)

    def _next(
        self, node: Node, limit: int, start: int, there: Mapping[str, int], behind: int
    ) -> tuple[Step | None, int]:
        """What a node makes next, of the rows that there are of inner values.

        In the end so many more as it is behind.
        """
        types = self._graph.types
        height = types[node.output].shape[0]
        last = all(n == types[v].shape[0] for v, n in there.items())
        least = 1 if start == 0 or last else limit
        most = limit + behind if last else limit
        known = self._bands.setdefault(node.name, {})
        for stop in range(min(start + most, height), start + least - 1, -1):
            if (start, stop) not in known:
                of = self._graph.types_of(node)
                band = node.op.band(of, types[node.output], range(start, stop))
                known[start, stop] = band if band and _of_one_place(node, band) else None
            band = known[start, stop]
            if band is not None and self._is_there(node, band, there):
                return (range(start, stop), band), stop
        return None, start

    def _is_there(self, node: Node, band: Band, there: Mapping[str, int]) -> bool:
        """Whether all rows have been made that a band reads."""
        for v, rows in zip(node.inputs, band.rows, strict=True):
            if (rows is None) != (v in self._graph.constants):
                return False  # rows of a constant, or all of what is made by rows
            if rows is not None and rows.stop > there.get(v, rows.stop):
                return False
        return True

    def _keeps(self, node: Node, nodes: Sequence[Node], made: Mapping[str, Made]) -> Kept:
        """Which rows there are of what a node makes."""
        v = node.output
        readers = tuple(made[n.name] for n in nodes if v in n.inputs)
        key = v, made[node.name], readers
        if key not in self._kept:
            uses = [n.inputs for n in nodes if v in n.inputs]
            lows: list[int | None] = []  # by turn, the first row that is read in it
            for steps in zip(*(m.steps for m in readers), strict=True):
                bands = [(i, step[1]) for i, step in zip(uses, steps, strict=True) if step]
                reads = (r for i, b in bands for x, r in zip(i, b.rows, strict=True) if x == v)
                lows.append(min((r.start for r in reads if r is not None), default=None))
            self._kept[key] = _kept(made[node.name], lows, readers)
        return self._kept[key]


def _of_one_place(node: Node, band: Band) -> bool:
    """Whether a band reads the same rows of a value wherever it is an operand."""
    return len(set(zip(node.inputs, band.rows, strict=True))) == len(set(node.inputs))


def _kept(made: Made, lows: Sequence[int | None], readers: Sequence[Made]) -> Kept:
    never = made.ends[-1]
    still = accumulate((never if n is None else n for n in reversed(lows)), min)
    held: list[range] = []
    now = range(0)
    for needed, end in zip(reversed(list(still)), made.ends, strict=True):
        # rows that nothing reads need a place as well
        now = range(max(min(needed, now.stop), now.start), end)
        held.append(now)
    steps = zip(*(m.steps for m in (made, *readers)), strict=True)
    return Kept(tuple(held), tuple(any(s is not None for s in turn) for turn in steps))
