"""Which layers run row by row, chosen by the bytes of the arena that they leave, and their work."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeprune.ir import Bands, Graph, Node, Part, Span, span_of
from edgeprune.kernels.by_rows import in_turns
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.choice import LEANER, price
from edgeprune.planner import MemoryPlan

MOST = (1, 2, 4, 8)
"""Rows that the first layer of a span makes in a turn."""

ROUNDS = 4
"""Times that each layer of the best span is looked at anew."""

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
        fewest: the work of the quickest kernels, whatever memory they need.
    """

    graph: Graph
    calls: Mapping[str, KernelCall]
    plan: MemoryPlan
    priced: Callable[[Graph, Node, Part | None], list[KernelCall]]
    planned: Planned
    fewest: int
    keeps_kernels: bool = False
    room: int | None = None


def best_span(whole: Whole) -> Span | None:
    """The nodes that leave the smallest arena by running by rows, at little more work.

    All neighbours in the order of the plan are candidates, those first that need least by what is
    there as a whole. What can win by that, and by the rows that are kept, is lowered and placed.
    Where bytes are given that the arena may have, the fewest neighbours that keep to them, or those
    that leave the smallest arena, with as many rows a turn as the bytes allow; whichever has the
    least work.

    Returns:
        None where nothing is gained.
    """
    bands = _Bands(whole)
    search = _Search(whole, bands, whole.room)
    found = search.first()
    if found is None:
        return None
    best = search.refined(found)
    if whole.room is not None:
        least = _Search(whole, bands, None).first()
        if least is not None and least.span.nodes != found.span.nodes:
            best = min(best, search.refined(least), key=search.price)
    return best.span


@dataclass(frozen=True)
class _Found:
    """A span, the arena that it leaves, and the work of the network, beside that of the whole."""

    span: Span
    arena_bytes: int
    work: float


class _Search:
    """The best span for some bytes, or for as few as pay."""

    def __init__(self, whole: Whole, bands: _Bands, room: int | None) -> None:
        self._whole = whole
        self._bands = bands
        self._room = room
        self._work = sum(c.work for c in whole.calls.values())
        self._at_best = whole.fewest / self._work

    def price(self, found: _Found) -> tuple[float, float]:
        """What is to be lowest."""
        return price(found.arena_bytes, found.work, self._room)

    def first(self) -> _Found | None:
        """The best of all neighbours."""
        room = -1 if self._room is None else self._room
        least = price(self._whole.plan.arena_bytes, 1.0, self._room)
        enough: list[frozenset[str]] = []  # nodes that are known to keep to the bytes
        best: _Found | None = None

        def rank(row: tuple[int, Sequence[Node]]) -> tuple[int, int]:
            return (room, len(row[1])) if row[0] <= room else (row[0], 0)

        for bound, nodes in sorted(_candidates(self._whole), key=rank):
            if price(bound, self._at_best, self._room) >= least:
                break
            names = {n.name for n in nodes}
            if any(some <= names for some in enough):
                continue
            for span in self._bands.spans(nodes):
                for found in self._forms(span, bound, least):
                    if found.arena_bytes <= room:
                        enough.append(span.names)
                    if self.price(found) < least:
                        best, least = found, self.price(found)
        return best

    def refined(self, best: _Found) -> _Found:
        """With more or fewer rows of single layers in a turn.

        What gains most for its bytes comes first.
        """
        for _ in range(ROUNDS):
            before = best
            gains: list[tuple[float, _Change]] = []
            for change in _changes(best.span):
                found = self._changed(best, change)
                if found is not None:
                    more = found.arena_bytes - best.arena_bytes
                    gains.append((more / max(best.work - found.work, 1e-9), change))
            for _, change in sorted(gains, key=lambda g: g[0]):
                best = self._changed(best, change) or best
            if best is before:
                break
        return best

    def _changed(self, at: _Found, change: _Change) -> _Found | None:
        """With another number of rows of one layer, where that is better."""
        node, rows = change
        most = (*at.span.most[:node], rows, *at.span.most[node + 1 :])
        span = self._bands.span(at.span.nodes, most)
        forms = self._forms(span, 0, self.price(at)) if span is not None else ()
        found = min(forms, key=self.price, default=None)
        return found if found and self.price(found) < self.price(at) else None

    def _forms(self, span: Span, bound: int, least: tuple[float, float]) -> Iterator[_Found]:
        """What is known to be no better than ``least`` is left out."""
        graph, room = self._whole.graph, self._room
        rings = sum(_row_bytes(graph, v) * span.height(v) for v in span.lasting)
        bound = max(bound, _bytes(graph, span.nodes) + rings)
        if price(bound, self._at_best, room) >= least:
            return
        forms: list[tuple[Mapping[str, KernelCall], MemoryPlan]] = []
        for calls in self._bands.choices(span):
            if price(bound, self._share(calls), room) < least:
                forms.append((calls, self._whole.planned(calls, span)))
        if room is not None and len(forms) == 2:
            (quick, plan), (lean, _) = forms
            high = {name for name, bytes_ in plan.steps if bytes_ > room} & span.names
            calls = {**quick, **{name: lean[name] for name in high if name in lean}}
            if 0 < len(high) < len(span.nodes):
                forms.append((calls, self._whole.planned(calls, span)))
        yield from (_Found(span, plan.arena_bytes, self._share(calls)) for calls, plan in forms)

    def _share(self, calls: Mapping[str, KernelCall]) -> float:
        """The work of some calls, of that of the whole."""
        return sum(c.work for c in calls.values()) / self._work


_Change = tuple[int, int]
"""Number of a node, and rows that it makes in a turn."""


def _changes(span: Span) -> Iterator[_Change]:
    for i, most in enumerate(span.most):
        yield from ((i, rows) for rows in MOST if rows != most)


class _Bands:
    """Spans, and bands of rows, which are lowered once, whatever span they belong to."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._calls: dict[Hashable, list[KernelCall]] = {}
        self._turns: dict[Hashable, list[KernelCall]] = {}
        self._bands: Bands = {}
        self._spans: dict[Hashable, Span | None] = {}

    def span(self, nodes: Sequence[Node], most: Sequence[int]) -> Span | None:
        """Neighbours with so many rows in a turn."""
        key = nodes[0].name, tuple(most)  # neighbours have one order
        if key not in self._spans:
            self._spans[key] = span_of(self._whole.graph, nodes, most, self._bands)
        return self._spans[key]

    def spans(self, nodes: Sequence[Node]) -> Iterator[Span]:
        """The same nodes with more and fewer rows in a turn."""
        types = self._whole.graph.types
        heights = [types[n.output].shape[0] for n in nodes if types[n.output].shape]
        if len(heights) < len(nodes):
            return
        seen = set()
        for first in MOST:
            for most in ([max(1, first * h // heights[0]) for h in heights], [first] * len(nodes)):
                if tuple(most) not in seen:
                    seen.add(tuple(most))
                    span = self.span(nodes, most)
                    if span is None:
                        return
                    yield span

    def choices(self, span: Span) -> Iterator[Mapping[str, KernelCall]]:
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


def _bytes(graph: Graph, nodes: Sequence[Node]) -> int:
    """Of what is there as a whole: the first operand, unless it is fed, and the result."""
    first = nodes[0].inputs[0]
    given = first in graph.inputs or first in graph.constants
    return graph.types[nodes[-1].output].nbytes + (0 if given else graph.types[first].nbytes)


def _row_bytes(graph: Graph, value: str) -> int:
    return graph.types[value].nbytes // graph.types[value].shape[0]
