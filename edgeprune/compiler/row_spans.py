"""What layers that run by rows need: bytes that are alive in each step, and work; unplaced."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from edgeprune.ir import Bands, Graph, Node, Over, Part, Span, span_of
from edgeprune.kernels.by_rows import in_turns
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.choice import LEANER
from edgeprune.planner import ALIGN, MemoryPlan, held_bytes, overlap, round_up, row_bytes, saved

MOST = (1, 2, 4, 8)
"""Rows that a layer makes in a turn."""

MOVE = 1.0
"""Cycles, or instructions, that moving a byte takes."""


@dataclass(frozen=True)
class Whole:
    """A network every layer of which runs once.

    Attributes:
        graph: the network.
        calls: by node.
        plan: of its memory.
        priced: all calls that compute the only node of a graph, or a part of its sums, with what
            they cost.
        fewest: the work of the quickest kernels, whatever memory they need.
        keeps_kernels: whether layers have the kernels that they have in ``calls``.
        room: bytes that the arena may have; None: as few as pay.
    """

    graph: Graph
    calls: Mapping[str, KernelCall]
    plan: MemoryPlan
    priced: Callable[[Graph, Node, Part | None], list[KernelCall]]
    fewest: int
    keeps_kernels: bool = False
    room: int | None = None

    @property
    def work(self) -> int:
        """Of all calls."""
        return sum(c.work for c in self.calls.values())


@dataclass(frozen=True)
class Found:
    """A span, the arena that it leaves, and the work of the network, beside that of the whole."""

    span: Span
    arena_bytes: int
    work: float


class Estimates:
    """Arena and work of spans, by the bytes that are alive in each step."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._bands = RowBands(whole)
        self._step = {name: i for i, name in enumerate(whole.plan.order)}

    def spans(self, nodes: Sequence[Node]) -> Iterator[Span]:
        """The same nodes with more and fewer rows in a turn, which stay aside or not."""
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
                    yield from (replace(span, aside=span.inner), span)

    def span(self, nodes: Sequence[Node], most: Sequence[int]) -> Span | None:
        """Neighbours with so many rows in a turn."""
        return self._bands.span(nodes, most)

    def of(self, span: Span) -> Iterator[Found]:
        """With the quickest kernels that the bytes allow.

        Where none are given: that all allow, and that leave the smallest arena at little more work.
        """
        inside = self._bands.options(span)
        if not all(inside.values()):
            return
        options = {**self._outside, **inside}
        beside, last = self._beside(span), span.nodes[-1].name
        if span.sums:  # what they add up in stays from turn to turn
            sums = round_up(min(c.scratch_bytes for c in inside[last]), ALIGN)
            beside = {k: n + sums * (k != last) for k, n in beside.items()}
        at = {**self._beside_whole, **beside}
        least = {k: min(c.work for c in calls) for k, calls in options.items()}

        over = self._over(span, inside)

        def needs(name: str, call: KernelCall) -> int:
            over_its_operand = over.get((name, call.inplace), 0)
            return round_up(call.scratch_bytes, ALIGN) - over_its_operand

        def arena(calls: Mapping[str, KernelCall]) -> int:
            return max(at[k] + needs(k, c) for k, c in calls.items())

        def within(limit: int, slower: float) -> Mapping[str, KernelCall]:
            return {
                k: _within(c, partial(needs, k), limit - at[k], slower * least[k])
                for k, c in options.items()
            }

        if self._whole.room is not None:
            forms = [within(self._whole.room, LEANER[-1])]
        else:
            lean = arena(within(0, LEANER[0]))
            forms = [within(limit, LEANER[0]) for limit in (sum(at.values()), lean)]
        moved = sum(row_bytes(self._whole.graph, v) * n for v, n in span.moved_rows.items())
        for calls in forms:
            work = sum(c.work for c in calls.values()) + MOVE * moved
            yield Found(span, arena(calls), work / self._whole.work)

    def _over(
        self, span: Span, options: Mapping[str, Sequence[KernelCall]]
    ) -> dict[tuple[str, Over | None], int]:
        """Bytes that results save by lying over their operands, by node and how they may."""
        graph = self._whole.graph
        moving = span.inner - (span.lasting.keys() - span.aside)  # they have a place while in use
        found: dict[tuple[str, Over | None], int] = {}
        for node in span.nodes:
            for over in {c.inplace for c in options[node.name]} - {None}:
                assert over is not None
                v = node.inputs[over.operand]
                if {v, node.output} <= moving and span.last_reader[v] is node:
                    share = overlap(graph, node, over, span)
                    under, result = (held_bytes(graph, x, span) for x in (v, node.output))
                    if share is not None:
                        found[node.name, over] = saved(under, result, share.lead, ALIGN)
        return found

    @cached_property
    def _outside(self) -> dict[str, Sequence[KernelCall]]:
        """By node, all calls of one that runs once."""
        whole = self._whole
        if whole.keeps_kernels:
            return {k: [call] for k, call in whole.calls.items()}
        nodes = (n for n in whole.graph.nodes if n.name in whole.calls)
        return {n.name: whole.priced(whole.graph, n, None) for n in nodes}

    @cached_property
    def _beside_whole(self) -> dict[str, int]:
        """By node that runs once, what is alive beside its own working memory."""
        calls, steps = self._whole.calls, self._whole.plan.steps
        return {k: n - round_up(calls[k].scratch_bytes, ALIGN) for k, n in steps if k in calls}

    def _beside(self, span: Span) -> dict[str, int]:
        """By node, what is alive when it runs, but for its own working memory."""
        graph, plan = self._whole.graph, self._whole.plan
        place = {n.name: i for i, n in enumerate(span.nodes)}
        fed = {v for v in span.read if v in graph.inputs and v not in graph.outputs}
        begin = self._step[span.nodes[0].name]
        always = graph.types[span.result].nbytes + sum(
            b.nbytes for b in plan.buffers if b.first < begin <= b.last and b.name not in fed
        )
        alive = [always] * len(place)
        for node in span.nodes[:-1]:
            v, reader = node.output, span.last_reader.get(node.output, node)
            full = round_up(row_bytes(graph, v) * span.height(v), ALIGN)
            stays = round_up(row_bytes(graph, v) * span.lasting.get(v, 0), ALIGN)
            window = range(place[node.name], place[reader.name] + 1)
            for i in range(len(alive)):
                lies = full if i in window or (stays and v not in span.aside) else 0
                alive[i] += lies + (stays if v in span.aside else 0)
        return {name: alive[i] for name, i in place.items()}


def _within(
    calls: Sequence[KernelCall], needs: Callable[[KernelCall], int], limit: int, most: float
) -> KernelCall:
    """The quickest that needs so little, or else that with the least need of little work."""
    fitting = [c for c in calls if needs(c) <= limit and c.work <= most]
    if fitting:
        return min(fitting, key=lambda c: c.work)
    return min((c for c in calls if c.work <= most), key=lambda c: (needs(c), c.work))


class RowBands:
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

    def options(self, span: Span) -> Mapping[str, Sequence[KernelCall]]:
        """All calls of a span's nodes; those of the kernels that they have in the whole network."""
        options = {n.name: self._in_turns(n, span) for n in span.nodes}
        if not self._whole.keeps_kernels:
            return options
        kernels = {k: call.kernel for k, call in self._whole.calls.items()}  # views have none
        return {
            k: sorted(calls, key=lambda c: (c.kernel != kernels.get(k), c.work))[:1]
            for k, calls in options.items()
        }

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
