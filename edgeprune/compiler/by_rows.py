"""Which layers run row by row, chosen by the bytes of the arena that they leave, and their work."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from edgeprune.compiler.row_spans import MOST, Estimates, Found, Whole
from edgeprune.ir import Graph, Node, Span
from edgeprune.kernels.choice import price

ROUNDS = 8
"""Times that the layers of a span are looked at anew, at most."""

KEPT = 3
"""Spans of different nodes that are looked at anew,"""
EACH = 3
"""each from so many beginnings,"""
GIVEN = 2
"""and so many of all are given."""


def best_spans(whole: Whole) -> list[Found]:
    """The nodes that leave the smallest arena by running by rows, at little more work.

    All neighbours in the order of the plan are candidates, those first that need least by what is
    there as a whole. The best of them are looked at anew: with more or fewer rows a turn, of one
    layer or of several in a row, and with the rows that stay aside or where they are read. Where
    bytes are given that the arena may have, the fewest neighbours that keep to them are looked at,
    and those that leave the smallest arena and so the most for further rows a turn; of what is best
    then, with one more at either end.

    Returns:
        The best by what is alive in each step, for the one that is best when it is placed; none
        where nothing is gained.
    """
    search = _Search(whole)
    begins = search.first(whole.room)
    if whole.room is not None and begins:
        begins += search.first(None)
    refined = [search.refined(b) for b in search.chosen(begins)]
    refined += [
        search.refined(f) for f in search.wider(min(refined, key=search.price, default=None))
    ]
    best = {(f.span.names, f.span.most, f.span.catches_up, f.span.aside): f for f in refined}
    return sorted(best.values(), key=search.price)[:GIVEN]


class _Search:
    """The best span for some bytes, or for as few as pay."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._estimates = Estimates(whole)
        self._at_best = whole.fewest / whole.work
        self._nodes = {n.name: n for n in whole.graph.nodes}

    def price(self, found: Found) -> tuple[float, float]:
        """What is to be lowest."""
        return price(found.arena_bytes, found.work, self._whole.room)

    def first(self, room: int | None) -> list[Found]:
        """The best spans of different nodes, for some bytes or for as few as pay."""
        enough: list[frozenset[str]] = []  # nodes that are known to keep to the bytes
        found: list[tuple[tuple[float, float], Found]] = []
        most = -1 if room is None else room

        def rank(row: tuple[int, Sequence[Node]]) -> tuple[int, int]:
            return (most, len(row[1])) if row[0] <= most else (row[0], 0)

        def limit() -> tuple[float, float]:
            whole = price(self._whole.plan.arena_bytes, 1.0, room)
            return found[KEPT - 1][0] if len(found) >= KEPT else whole

        for bound, nodes in sorted(_candidates(self._whole), key=rank):
            if price(bound, self._at_best, room) >= limit():
                break
            names = {n.name for n in nodes}
            if any(some <= names for some in enough):
                continue
            forms = (f for s in self._estimates.spans(nodes) for f in self._estimates.of(s))
            priced = ((price(f.arena_bytes, f.work, room), f) for f in forms)
            best = min(priced, key=lambda f: f[0], default=None)
            if best is not None and best[0] < limit():
                found = sorted([*found, best], key=lambda f: f[0])[:KEPT]
                if best[1].arena_bytes <= most:
                    enough.append(best[1].span.names)
        return [f for _, f in found]

    def chosen(self, begins: Sequence[Found]) -> list[Found]:
        """The best of the same nodes, each with other rows in a turn."""
        spans = {f.span.names: f.span for f in sorted(begins, key=self.price)}
        found: list[Found] = []
        for span in list(spans.values())[:KEPT]:
            spans_of = chain(
                self._estimates.spans(span.nodes), self._estimates.spans(span.nodes, evenly=True)
            )
            forms = sorted((f for s in spans_of for f in self._estimates.of(s)), key=self.price)
            best = {(f.span.most, f.span.catches_up): f for f in reversed(forms)}
            found += sorted(best.values(), key=self.price)[:EACH]
        return found

    def refined(self, best: Found) -> Found:
        """With other rows in a turn, or others aside: what gains most for its bytes comes first."""
        for _ in range(ROUNDS):
            before = best
            gains: list[tuple[float, int, _Change]] = []
            for i, change in enumerate(_changes(best.span)):
                found = self._changed(best, change)
                if found is not None:
                    more = found.arena_bytes - best.arena_bytes
                    gains.append((more / max(best.work - found.work, 1e-9), i, change))
            for _, _, change in sorted(gains, key=lambda g: g[:2]):
                best = self._changed(best, change) or best
            if best is before:
                break
        return best

    def wider(self, best: Found | None) -> Iterator[Found]:
        """With one more node at either end, where that is better."""
        if best is None:
            return
        order = self._whole.plan.order
        begin, count = order.index(best.span.nodes[0].name), len(best.span.nodes)
        for start, end in ((begin - 1, begin + count), (begin, begin + count + 1)):
            if start < 0 or end > len(order):
                continue
            nodes = [self._nodes[name] for name in order[start:end]]
            forms = (f for s in self._estimates.spans(nodes) for f in self._estimates.of(s))
            found = min(forms, key=self.price, default=None)
            if found and self.price(found) < self.price(best):
                yield found

    def _changed(self, at: Found, change: _Change) -> Found | None:
        """After a change, where that is better."""
        most, aside = change(at.span)
        span = self._estimates.span(at.span.nodes, most, catches_up=at.span.catches_up)
        if span is None or (most, aside) == (at.span.most, at.span.aside):
            return None
        forms = self._estimates.of(replace(span, aside=aside))
        found = min(forms, key=self.price, default=None)
        return found if found and self.price(found) < self.price(at) else None


_Change = Callable[[Span], tuple[tuple[int, ...], frozenset[str]]]
"""From a span to the rows that its nodes make in a turn, and what lies aside, in another one."""


def _changes(span: Span) -> Iterator[_Change]:
    count = len(span.nodes)
    for i, most in enumerate(span.most):
        yield from (partial(_with_rows, i, rows) for rows in MOST if rows != most)
    for begin in range(count - 1):
        for end in range(begin + 2, count + 1):
            yield from (partial(_with_more, begin, end, by) for by in (1, -1))
    yield from (partial(_with_place, v) for v in sorted(span.lasting))


def _with_rows(node: int, rows: int, span: Span) -> tuple[tuple[int, ...], frozenset[str]]:
    return (*span.most[:node], rows, *span.most[node + 1 :]), span.aside


def _with_more(begin: int, end: int, by: int, span: Span) -> tuple[tuple[int, ...], frozenset[str]]:
    """Of all nodes from one on to another."""

    def other(rows: int) -> int:
        return MOST[min(max(bisect(MOST, rows) - 1 + by, 0), len(MOST) - 1)]

    return (*span.most[:begin], *map(other, span.most[begin:end]), *span.most[end:]), span.aside


def _with_place(value: str, span: Span) -> tuple[tuple[int, ...], frozenset[str]]:
    return span.most, span.aside ^ {value}


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
