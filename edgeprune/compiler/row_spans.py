"""What layers that run by rows need: bytes that are alive in each step, and work; unplaced."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from edgeprune.ir import Graph, Node, Over, Part, Span, Spans
from edgeprune.kernels.by_rows import in_turns
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.choice import LEANER
from edgeprune.planner import ALIGN, MemoryPlan, held_bytes, overlap, round_up, row_bytes, saved

MOST = (1, 2, 4, 8)
"""Rows that a layer makes in a turn."""

ANY = 2**62
"""More bytes than any network needs."""

MOVE = 1.0
"""Cycles, or instructions, that moving a byte takes."""


Needs = Sequence[tuple[int, KernelCall]]
"""Calls of a node, and the bytes that each needs beside what is alive anyway."""


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
        overlaps: whether all rows that may lie over those that they are made of are taken to do so.
    """

    graph: Graph
    calls: Mapping[str, KernelCall]
    plan: MemoryPlan
    priced: Callable[[Graph, Node, Part | None], list[KernelCall]]
    fewest: int
    keeps_kernels: bool = False
    room: int | None = None
    overlaps: bool = True

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
        self._nodes = {n.name: n for n in whole.graph.nodes}
        self._rests: dict[Hashable, tuple[int, int]] = {}
        self._known: dict[Hashable, Needs] = {}
        images = (v for v, t in whole.graph.types.items() if t.shape)
        self._row = {v: row_bytes(whole.graph, v) for v in images}

    def spans(self, nodes: Sequence[Node], *, evenly: bool = False) -> Iterator[Span]:
        """The same nodes with more and fewer rows in a turn, which stay aside or not.

        Args:
            nodes: neighbours.
            evenly: whether the rows are such that no turn has few that are left over.
        """
        types = self._whole.graph.types
        heights = [types[n.output].shape[0] for n in nodes if types[n.output].shape]
        if len(heights) < len(nodes):
            return
        seen = set()
        for first in MOST:
            turns = max(1, heights[0] // first)
            rows = [-(-h // turns) if evenly else max(1, first * h // heights[0]) for h in heights]
            for most in (rows, [rows[0]] * len(nodes)):
                if tuple(most) not in seen:
                    seen.add(tuple(most))
                    span = self.span(nodes, most, catches_up=evenly)
                    if span is None:
                        return
                    yield from (replace(span, aside=span.inner), span)

    def span(
        self, nodes: Sequence[Node], most: Sequence[int], *, catches_up: bool = False
    ) -> Span | None:
        """Neighbours with so many rows in a turn."""
        return self._bands.span(nodes, most, catches_up=catches_up)

    def of(self, span: Span) -> Iterator[Found]:
        """With the quickest kernels that the bytes allow.

        Where none are given: that all allow, and that leave the smallest arena at little more work.
        """
        options = self._bands.options(span)
        if not all(options.values()):
            return
        beside = self._beside(span, options)
        needs = {k: self._needs(k, span, calls) for k, calls in options.items()}

        def within(limit: int, slower: float) -> tuple[int, int]:
            arena, work = self._rest(span.names, limit, slower)
            for k, calls in needs.items():
                need, call = _within(calls, limit - beside[k], slower)
                arena, work = max(arena, beside[k] + need), work + call.work
            return arena, work

        if self._whole.room is not None:
            forms = [within(self._whole.room, LEANER[-1])]
        else:
            lean, _ = within(0, LEANER[0])
            forms = [within(limit, LEANER[0]) for limit in (ANY, lean)]
        moved = sum(self._row[v] * n for v, n in span.moved_rows.items())
        for arena, work in forms:
            yield Found(span, arena, (work + MOVE * moved) / self._whole.work)

    def _rest(self, names: frozenset[str], limit: int, slower: float) -> tuple[int, int]:
        """The largest need of nodes that are none of these, and their work."""
        key = names, limit, slower
        if key not in self._rests:
            arena = work = 0
            for k, calls in self._outside.items():
                if k not in names:
                    at = self._beside_whole[k]
                    need, call = _within(calls, limit - at, slower)
                    arena, work = max(arena, at + need), work + call.work
            self._rests[key] = arena, work
        return self._rests[key]

    def _needs(self, name: str, span: Span, calls: Sequence[KernelCall]) -> Needs:
        """The calls of a node, and the bytes of each: scratch, less what lies over an operand."""
        node = self._nodes[name]
        lie = (v for v in (node.output, *node.inputs) if v in span.kept)
        key = name, span.made[name], *((v, span.kept[v], self._is_over(span, node, v)) for v in lie)
        if key not in self._known:
            saved_by = {over: self._saved(span, node, over) for over in {c.inplace for c in calls}}
            self._known[key] = [
                (round_up(c.scratch_bytes, ALIGN) - saved_by[c.inplace], c) for c in calls
            ]
        return self._known[key]

    def _is_over(self, span: Span, node: Node, value: str) -> bool:
        """Whether a node's result may lie over an operand, as for this operand or this result."""
        reader = value == node.output or span.last_reader[value] is node
        return self._whole.overlaps and reader and _moves(span, value)

    def _saved(self, span: Span, node: Node, over: Over | None) -> int:
        """Bytes that a result saves by lying over its operand."""
        graph = self._whole.graph
        ends = () if over is None else (node.inputs[over.operand], node.output)
        if over is None or not all(v in span.kept and self._is_over(span, node, v) for v in ends):
            return 0
        share = overlap(graph, node, over, span)
        under, result = (held_bytes(graph, v, span) for v in ends)
        return saved(under, result, share.lead, ALIGN) if share else 0

    @cached_property
    def _outside(self) -> dict[str, Needs]:
        """By node, all calls of one that runs once, and what they need."""
        whole = self._whole
        nodes = [n for n in whole.graph.nodes if n.name in whole.calls]
        options = {
            n.name: [whole.calls[n.name]]
            if whole.keeps_kernels
            else whole.priced(whole.graph, n, None)
            for n in nodes
        }
        return {
            k: [(round_up(c.scratch_bytes, ALIGN), c) for c in calls]
            for k, calls in options.items()
        }

    @cached_property
    def _beside_whole(self) -> dict[str, int]:
        """By node that runs once, what is alive beside its own working memory."""
        calls, steps = self._whole.calls, self._whole.plan.steps
        return {k: n - round_up(calls[k].scratch_bytes, ALIGN) for k, n in steps if k in calls}

    def _beside(self, span: Span, options: Mapping[str, Sequence[KernelCall]]) -> dict[str, int]:
        """By node, what is alive when it runs, but for its own working memory."""
        graph, plan = self._whole.graph, self._whole.plan
        place = {n.name: i for i, n in enumerate(span.nodes)}
        fed = {v for v in span.read if v in graph.inputs and v not in graph.outputs}
        begin = self._step[span.nodes[0].name]
        result = round_up(graph.types[span.result].nbytes, ALIGN)
        always = sum(
            b.nbytes for b in plan.buffers if b.first < begin <= b.last and b.name not in fed
        )
        always += 0 if span.sums else result
        alive = [0] * len(place)
        for node in span.nodes[:-1]:
            v, reader = node.output, span.last_reader.get(node.output, node)
            kept, row = span.kept[v], self._row[v]
            full = round_up(row * kept.height, ALIGN)
            always += round_up(row * kept.lasting, ALIGN) if v in span.aside else 0
            if not _moves(span, v):
                always += full
                continue
            for i in range(place[node.name], place[reader.name] + 1):
                alive[i] += full
        last, sums = span.nodes[-1].name, 0
        if span.sums:  # what they add up in stays from turn to turn
            sums = round_up(min(c.scratch_bytes for c in options[last]), ALIGN)
            alive[place[last]] += result
        return {k: always + alive[i] + sums * (k != last) for k, i in place.items()}


def _moves(span: Span, value: str) -> bool:
    """Whether others have the place of an inner value while it is neither made nor read."""
    return not span.kept[value].lasting or value in span.aside


def _within(calls: Needs, limit: int, slower: float) -> tuple[int, KernelCall]:
    """The quickest that needs so little, or else that with the least need of little work."""
    most = slower * min(c.work for _, c in calls)
    quick = [nc for nc in calls if nc[1].work <= most]
    fitting = [nc for nc in quick if nc[0] <= limit]
    if fitting:
        return min(fitting, key=lambda nc: nc[1].work)
    return min(quick, key=lambda nc: (nc[0], nc[1].work))


class RowBands:
    """Spans, and bands of rows, which are lowered once, whatever span they belong to."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole
        self._calls: dict[Hashable, list[KernelCall]] = {}
        self._turns: dict[Hashable, list[KernelCall]] = {}
        self._spans = Spans(whole.graph)

    def span(
        self, nodes: Sequence[Node], most: Sequence[int], *, catches_up: bool = False
    ) -> Span | None:
        """Neighbours with so many rows in a turn."""
        return self._spans.of(nodes, most, catches_up=catches_up)

    def options(self, span: Span) -> Mapping[str, Sequence[KernelCall]]:
        """All calls of a span's nodes; those of the kernels that they have in the whole network."""
        return {n.name: self._in_turns(n, span) for n in span.nodes}

    def _in_turns(self, node: Node, span: Span) -> list[KernelCall]:
        key = node.name, span.made[node.name]
        if key not in self._turns:
            calls = in_turns(self._whole.graph, node, span, self._priced)
            if self._whole.keeps_kernels and node.name in self._whole.calls:  # views have none
                kernel = self._whole.calls[node.name].kernel
                calls = sorted(calls, key=lambda c: (c.kernel != kernel, c.work))[:1]
            self._turns[key] = calls
        return self._turns[key]

    def _priced(self, graph: Graph, node: Node, _end: str, part: Part | None) -> list[KernelCall]:
        shapes = tuple(graph.types[v].shape for v in (*node.inputs, node.output))
        key = node.name, node.op, shapes, part
        if key not in self._calls:
            self._calls[key] = self._whole.priced(graph, node, part)
        return self._calls[key]
