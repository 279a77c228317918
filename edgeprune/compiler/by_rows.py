"""Which layers run row by row, chosen by the bytes of the arena that they leave."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeprune.ir import Graph, Node, Span, span_of
from edgeprune.kernels.by_rows import Lowered, in_turns
from edgeprune.kernels.call import KernelCall
from edgeprune.planner import MemoryPlan

MOST = (1, 2, 3, 4, 6, 8)
"""Rows that the first layer of a span makes in a turn."""

DEARER = 1.1
"""So many times the work of the whole network is done for a smaller arena, at most."""

Planned = Callable[[Mapping[str, KernelCall], Span], MemoryPlan]


@dataclass(frozen=True)
class Whole:
    """A network every layer of which runs once.

    Attributes:
        graph: the network.
        calls: by node.
        plan: of its memory.
        priced: all calls that compute the only node of a graph, with what they cost.
        planned: the memory of a network part of which runs by rows, as a guess that is quick.
    """

    graph: Graph
    calls: Mapping[str, KernelCall]
    plan: MemoryPlan
    priced: Callable[[Graph, Node], list[KernelCall]]
    planned: Planned


def best_span(whole: Whole) -> Span | None:
    """The nodes that leave the smallest arena by running by rows, at little more work.

    All neighbours in the order of the plan are candidates. Those that can win by what must lie in
    memory at once are lowered and placed, the most promising first.

    Returns:
        None where nothing is gained.
    """
    known: dict[Hashable, list[KernelCall]] = {}

    def priced(graph: Graph, node: Node, _end: str) -> list[KernelCall]:
        key = node.name, node.op, tuple(graph.types[v].shape for v in (*node.inputs, node.output))
        if key not in known:
            known[key] = whole.priced(graph, node)
        return known[key]

    best, least = None, (whole.plan.arena_bytes, 0)
    allowed = DEARER * sum(c.work for c in whole.calls.values())
    for bound, span in sorted(_candidates(whole), key=lambda row: row[0]):
        if bound >= least[0]:
            break
        for calls in _choices(whole, span, priced):
            work = sum(c.work for c in calls.values())
            if work <= allowed:
                price = whole.planned(calls, span).arena_bytes, work
                best, least = (span, price) if price < least else (best, least)
    return best


def _choices(whole: Whole, span: Span, priced: Lowered) -> Iterator[Mapping[str, KernelCall]]:
    """The quickest calls of a span's nodes, and those with the least working memory."""
    options = {n.name: in_turns(whole.graph, n, span, priced) for n in span.nodes}
    if all(options.values()):
        yield {**whole.calls, **{k: min(c, key=lambda c: c.work) for k, c in options.items()}}
        lean = {k: min(c, key=lambda c: (c.scratch_bytes, c.work)) for k, c in options.items()}
        yield {**whole.calls, **lean}


def _candidates(whole: Whole) -> Iterator[tuple[int, Span]]:
    """Spans, and the bytes that each needs at the least."""
    graph, plan = whole.graph, whole.plan
    nodes = {n.name: n for n in graph.nodes}
    order = [nodes[name] for name in plan.order]
    alive = [bytes_ for _, bytes_ in plan.steps]
    for start in range(len(order)):
        for end in range(start + 2, len(order) + 1):
            rest = max((*alive[:start], *alive[end:]), default=0)
            ends = _bytes(graph, order[start:end])
            if max(rest, ends) < plan.arena_bytes:
                for span in _spans(graph, order[start:end]):
                    rings = sum(_row_bytes(graph, v) * span.height(v) for v in span.lasting)
                    yield max(rest, ends + rings), span


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
