"""Which layers run row by row, chosen by the bytes of the arena that they leave, and their work."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeprune.ir import Graph, Node, Part, Span, span_of
from edgeprune.kernels.by_rows import in_turns
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.choice import LEANER, price
from edgeprune.planner import MemoryPlan

MOST = (1, 2, 4, 8)
"""Rows that the first layer of a span makes in a turn."""

Planned = Callable[[Mapping[str, KernelCall], Span], MemoryPlan]


@dataclass(frozen=True)
class Whole:
    """A network every layer of which runs once.

    Attributes:
        graph: the network.
        calls: by node.
        plan: of its memory.
        priced: all calls that compute the only node of a graph, or a part of its sums, with what
            they cost.
        planned: the memory of a network part of which runs by rows, as a guess that is quick.
        keeps_kernels: whether layers have the kernels that they have in ``calls``.
        room: bytes that the arena may have; None: as few as pay.
    """

    graph: Graph
    calls: Mapping[str, KernelCall]
    plan: MemoryPlan
    priced: Callable[[Graph, Node, Part | None], list[KernelCall]]
    planned: Planned
    keeps_kernels: bool = False
    room: int | None = None


def best_span(whole: Whole) -> Span | None:
    """The nodes that leave the smallest arena by running by rows, at little more work.

    All neighbours in the order of the plan are candidates, those first that need least by what is
    there as a whole. What can win by that, and by the rows that are kept, is lowered and placed.
    Where bytes are given that the arena may have, the fewest neighbours that keep to them, with
    the least work; or else what comes nearest.

    Returns:
        None where nothing is gained.
    """
    search = _Search(whole)
    room = -1 if whole.room is None else whole.room

    def rank(row: tuple[int, Sequence[Node]]) -> tuple[int, int]:
        return (room, len(row[1])) if row[0] <= room else (row[0], 0)

    for bound, nodes in sorted(_candidates(whole), key=rank):
        if not search.can_win(bound):
            break
        if not search.is_needless(nodes):
            for span in _spans(whole.graph, nodes):
                search.judge(span, bound)
    if search.best is not None:
        search.refine(search.best)
    return search.best


class _Search:
    """The best span so far; bands are lowered once, whatever span they belong to."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._work = sum(c.work for c in whole.calls.values())
        self._calls: dict[Hashable, list[KernelCall]] = {}
        self._turns: dict[Hashable, list[KernelCall]] = {}
        self.best: Span | None = None
        self._least = price(whole.plan.arena_bytes, 1.0, whole.room)
        fits = whole.room is not None and whole.plan.arena_bytes <= whole.room
        self._at_best = 0.0 if fits else 1.0  # of the whole's work, where that is all to be won
        self._enough: list[frozenset[str]] = []

    def can_win(self, arena_bytes: int, work: float | None = None) -> bool:
        """Whether an arena of so many bytes, at so much work, would be the best so far.

        Without ``work``: at as little as there may be.
        """
        least = self._at_best if work is None else work
        return price(arena_bytes, least, self._whole.room) < self._least

    def is_needless(self, nodes: Sequence[Node]) -> bool:
        """Whether some of these nodes are known to keep to the bytes that there are."""
        names = {n.name for n in nodes}
        return any(enough <= names for enough in self._enough)

    def judge(self, span: Span, bound: int) -> bool:
        """Take it if it is the best one; ``bound``: bytes that are needed besides its rows."""
        graph = self._whole.graph
        rings = sum(_row_bytes(graph, v) * span.height(v) for v in span.lasting)
        if not self.can_win(max(bound, _bytes(graph, span.nodes) + rings)):
            return False
        before = self._least
        for calls in self._choices(span):
            work = sum(c.work for c in calls.values()) / self._work
            if not self.can_win(bound, work):
                continue
            arena = self._whole.planned(calls, span).arena_bytes
            if self._whole.room is not None and arena <= self._whole.room:
                self._enough.append(span.names)
            if self.can_win(arena, work):
                self.best, self._least = span, price(arena, work, self._whole.room)
        return self._least < before

    def refine(self, span: Span) -> None:
        """With more or fewer rows of single layers in a turn."""
        for i in range(len(span.nodes)):
            assert self.best is not None
            for rows in MOST:
                most = list(self.best.most)
                most[i] = rows
                other = span_of(self._whole.graph, span.nodes, most)
                if other is not None and rows != self.best.most[i]:
                    self.judge(other, 0)

    def _choices(self, span: Span) -> Iterator[Mapping[str, KernelCall]]:
        """The quickest calls of a span's nodes, and those with the least working memory.

        Or the only ones: of the kernels that they have in the whole network.
        """
        options = {n.name: self._in_turns(n, span) for n in span.nodes}
        if all(options.values()) and self._whole.keeps_kernels:
            kernels = {k: call.kernel for k, call in self._whole.calls.items()}  # views have none
            same = {
                k: min(calls, key=lambda c: (c.kernel != kernels.get(k), c.work))
                for k, calls in options.items()
            }
            yield {**self._whole.calls, **same}
        elif all(options.values()):
            quick = {k: min(calls, key=lambda c: c.work) for k, calls in options.items()}
            yield {**self._whole.calls, **quick}
            lean = {
                k: min(
                    (c for c in calls if c.work <= LEANER[0] * quick[k].work),
                    key=lambda c: (c.scratch_bytes, c.work),
                )
                for k, calls in options.items()
            }
            if any(lean[k] is not quick[k] for k in lean):
                yield {**self._whole.calls, **lean}

    def _in_turns(self, node: Node, span: Span) -> list[KernelCall]:
        made = (t.made.get(node.name) for t in span.turns)
        key = node.name, tuple(None if m is None else m[0] for m in made)
        if key not in self._turns:
            self._turns[key] = in_turns(self._whole.graph, node, span, self._priced)
        return self._turns[key]

    def _priced(self, graph: Graph, node: Node, _end: str, part: Part | None) -> list[KernelCall]:
        shapes = tuple(graph.types[v].shape for v in (*node.inputs, node.output))
        key = node.name, node.op, shapes, part
        if key not in self._calls:
            self._calls[key] = self._whole.priced(graph, node, part)
        return self._calls[key]


def _candidates(whole: Whole) -> Iterator[tuple[int, Sequence[Node]]]:
    """Neighbours, and the bytes that the network needs at the least if they run by rows."""
    graph, plan = whole.graph, whole.plan
    nodes = {n.name: n for n in graph.nodes}
    order = [nodes[name] for name in plan.order]
    alive = [bytes_ for _, bytes_ in plan.steps]
    for start in range(len(order)):
        for end in range(start + 2, len(order) + 1):
            rest = max((*alive[:start], *alive[end:]), default=0)
            yield max(rest, _bytes(graph, order[start:end])), order[start:end]


def _spans(graph: Graph, nodes: Sequence[Node]) -> Iterator[Span]:
    """The same nodes with more and fewer rows in a turn."""
    heights = [graph.types[n.output].shape[0] for n in nodes if graph.types[n.output].shape]
    if len(heights) < len(nodes):
        return
    seen = set()
    for first in MOST:
        for most in ([max(1, first * h // heights[0]) for h in heights], [first] * len(nodes)):
            if tuple(most) not in seen:
                seen.add(tuple(most))
                span = span_of(graph, nodes, most)
                if span is None:
                    return
                yield span


def _bytes(graph: Graph, nodes: Sequence[Node]) -> int:
    """Of what is there as a whole: the first operand, unless it is fed, and the result."""
    first = nodes[0].inputs[0]
    given = first in graph.inputs or first in graph.constants
    return graph.types[nodes[-1].output].nbytes + (0 if given else graph.types[first].nbytes)


def _row_bytes(graph: Graph, value: str) -> int:
    return graph.types[value].nbytes // graph.types[value].shape[0]
