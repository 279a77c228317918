"""Where bytes live: order of execution and offsets in the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from edgeprune.ir import Graph, Over, Span
from edgeprune.planner.arena import SEARCH_TRIES, place
from edgeprune.planner.order import best_order
from edgeprune.planner.over import held_bytes, overlap, row_bytes
from edgeprune.planner.plan import (
    Buffer,
    MemoryPlan,
    Share,
    aside,
    live_bytes,
    round_up,
    saved,
)

ALIGN = 4  # bytes; float32 and word loads of packed int8 rows need no more


@dataclass(frozen=True)
class Work:
    """What a node's kernel needs beside its operands.

    Attributes:
        scratch_bytes: working memory.
        inplace: the operand that the result may lie over; None: none.
        view: the result lies within its first operand, so many bytes behind its beginning: no
            code runs; None: it has a place of its own.
    """

    scratch_bytes: int = 0
    inplace: Over | None = None
    view: int | None = None


def plan_memory(
    graph: Graph,
    work: Mapping[str, Work],
    *,
    order: Sequence[str] | None = None,
    thorough: bool = True,
    span: Span | None = None,
) -> MemoryPlan:
    """Plan the arena: inputs, every computed value, outputs and scratch.

    Args:
        graph: the network as it will be emitted.
        work: by node name, what its kernel needs.
        order: names of the nodes as they must run; None: the best order is searched.
        thorough: whether better offsets than the greedy ones are searched for.
        span: nodes that run by rows, neighbours in ``order``. What they read from outside is there
            until the last of them has run; an input of the network that they read by rows has no
            place in the arena.

    Returns:
        The plan with the smallest arena found: with and without in-place results, in the best
        order and in the given one.
    """
    best: MemoryPlan | None = None
    for layout in sorted(_layouts(graph, work, order, span), key=lambda a: a.bound):
        if best is None or layout.bound < best.arena_bytes:
            below = None if best is None else best.arena_bytes
            plan = layout.plan(below=below, thorough=thorough)
            best = plan if best is None or plan.arena_bytes < best.arena_bytes else best
    assert best is not None
    return best


def least_bytes(
    graph: Graph,
    work: Mapping[str, Work],
    *,
    order: Sequence[str] | None = None,
    span: Span | None = None,
) -> int:
    """Of an arena in which everything is placed as well as can be: what lives at once.

    Args:
        graph: the network.
        work: by node name, what its kernel needs.
        order: as for :func:`plan_memory`.
        span: likewise.
    """
    return min(layout.bound for layout in _layouts(graph, work, order, span))


def _layouts(
    graph: Graph, work: Mapping[str, Work], order: Sequence[str] | None, span: Span | None
) -> list[_Layout]:
    """With and without in-place results, in the best order and in the given one: what differs."""
    given = tuple(n.name for n in graph.nodes)
    orders = (None, given) if order is None else (tuple(order),)
    found: dict[tuple[tuple[str, ...], tuple[Buffer, ...]], _Layout] = {}
    for inplace in (True, False):
        for wanted in orders:
            layout = _layout(graph, work, inplace=inplace, order=wanted, span=span)
            found.setdefault((layout.order, layout.buffers), layout)
    return list(found.values())


@dataclass(frozen=True)
class _Layout:
    """What has to be placed: buffers and when they are needed."""

    order: tuple[str, ...]
    buffers: tuple[Buffer, ...]
    home: Mapping[str, str]
    span: Span | None
    kept: Mapping[str, str]
    within: Mapping[str, int]

    @cached_property
    def steps(self) -> tuple[tuple[str, int], ...]:
        """Bytes alive in each step, by node."""
        return tuple(
            (name, live_bytes(self.buffers, i, ALIGN)) for i, name in enumerate(self.order)
        )

    @cached_property
    def bound(self) -> int:
        """Bytes that no placement can go below."""
        return max((n for _, n in self.steps), default=0)

    def plan(self, *, below: int | None, thorough: bool) -> MemoryPlan:
        """Placed; searched long only where that can end below a size that is there already."""
        tries = SEARCH_TRIES if thorough else 0
        at = place(self.buffers, align=ALIGN, tries=tries, below=below)
        ends = (a + b.nbytes for a, b in zip(at, self.buffers, strict=True))
        size = round_up(max(ends, default=0), ALIGN)
        offsets = {b.name: a for a, b in zip(at, self.buffers, strict=True)}
        return MemoryPlan(
            self.order,
            self.buffers,
            offsets,
            self.home,
            size,
            self.bound,
            self.steps,
            self.span,
            self.kept,
            self.within,
        )


def _layout(
    graph: Graph,
    work: Mapping[str, Work],
    *,
    inplace: bool,
    order: tuple[str, ...] | None,
    span: Span | None,
) -> _Layout:
    home = _homes(graph, work)
    sizes = {v: held_bytes(graph, v, span) for v in graph.activations}
    nbytes: dict[str, int] = {}
    for v in graph.activations:
        nbytes[home[v]] = max(nbytes.get(home[v], 0), round_up(sizes[v], ALIGN))
    scratch = {n.name: work[n.name].scratch_bytes for n in graph.nodes if n.name in work}
    over = _overlaps(graph, work, home, nbytes, span) if inplace else {}
    if order is None:
        in_arena = nbytes | dict.fromkeys(_kept(graph, home), 0)
        order = best_order(graph, home, in_arena, scratch, over)
    step = {name: i for i, name in enumerate(order)}
    first, last = _lives(graph, home, step)
    if span is not None:
        _prolong(span, home, step, first, last)
    kept = _kept(graph, home, first, last)
    shared = {
        home[n.output]: over[n.name]
        for n in graph.nodes
        if n.name in over
        and last[over[n.name].buffer] == step[n.name] == first[home[n.output]]
        and not {over[n.name].buffer, home[n.output]} & kept.keys()
    }
    buffers = [
        Buffer(b, nbytes[b], first[b], last[b], shared.get(b)) for b in nbytes if b not in kept
    ]
    buffers += [
        Buffer(f"{name}:scratch", n, *_turns_of(name, span, step))
        for name, n in scratch.items()
        if n
    ]
    buffers += _aside(graph, span, step)
    placed = tuple(b for b in buffers if b.nbytes or span is None)
    return _Layout(order, placed, home, span, kept, _within(graph, work, home))


def _prolong(
    span: Span,
    home: Mapping[str, str],
    step: Mapping[str, int],
    first: dict[str, int],
    last: dict[str, int],
) -> None:
    """What is needed in more than one turn is there in all of them."""
    ends = step[span.nodes[0].name], step[span.nodes[-1].name]
    lasting = span.lasting.keys() - span.aside
    # what rows add up to is written once, behind the last of them
    for v in (*(() if span.sums else (span.result,)), *lasting):
        first[home[v]] = ends[0]
    for v in (*span.read, *lasting):
        last[home[v]] = max(last[home[v]], ends[1])


def _aside(graph: Graph, span: Span | None, step: Mapping[str, int]) -> list[Buffer]:
    """Where rows lie from turn to turn, of values that have another place in between."""
    if span is None:
        return []
    ends = step[span.nodes[0].name], step[span.nodes[-1].name]
    rows = {v: n for v, n in span.lasting.items() if v in span.aside}
    return [Buffer(aside(v), row_bytes(graph, v) * n, *ends) for v, n in rows.items()]


def _turns_of(name: str, span: Span | None, step: Mapping[str, int]) -> tuple[int, int]:
    """The first and the last step in which a node's working memory must be left alone."""
    if span is not None and span.sums and name == span.nodes[-1].name:
        return step[span.nodes[0].name], step[name]
    return step[name], step[name]


def _kept(
    graph: Graph,
    home: Mapping[str, str],
    first: Mapping[str, int] | None = None,
    last: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """Buffers that lie where a state is kept, and which; without lives: all that might.

    What the caller gives or gets lies in the arena, or where the caller wants it.
    """
    of_caller = {home[v] for v in (*graph.arguments, *graph.results) if v in home}
    found = {home[v]: v for v in graph.states if home[v] not in of_caller}
    for v, after in graph.states.items():
        b = home.get(after)
        if b is None or b in found or b in of_caller:
            continue
        if first is None or last is None or first[b] > last[home[v]]:
            found[b] = v
    return found


def _lives(
    graph: Graph, home: Mapping[str, str], step: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """The first and the last step of every buffer."""
    first = {home[v]: -1 for v in graph.inputs}
    last = dict(first)
    for node in sorted(graph.nodes, key=lambda n: step[n.name]):
        i = step[node.name]
        first.setdefault(home[node.output], i)
        for v in (node.output, *node.inputs):
            if v in home:
                last[home[v]] = max(i, last.get(home[v], i))
    for v in graph.outputs:
        if v in home:
            last[home[v]] = len(step)
    return first, last


def _homes(graph: Graph, work: Mapping[str, Work]) -> dict[str, str]:
    """The buffer of each activation; views live in their operand's."""
    home = {v: v for v in graph.inputs}
    for node in graph.nodes:
        seen = work.get(node.name, Work()).view is not None and node.inputs[0] in home
        home[node.output] = home[node.inputs[0]] if seen else node.output
    return home


def _within(graph: Graph, work: Mapping[str, Work], home: Mapping[str, str]) -> dict[str, int]:
    """By view that does not begin where its buffer does: how many bytes behind."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        seen = work.get(node.name, Work()).view
        if seen is not None and home[node.output] != node.output:
            found[node.output] = found.get(node.inputs[0], 0) + seen
    return {v: at for v, at in found.items() if at}


def _overlaps(
    graph: Graph,
    work: Mapping[str, Work],
    home: Mapping[str, str],
    nbytes: Mapping[str, int],
    span: Span | None,
) -> dict[str, Share]:
    """By node: the buffer that its result may lie over, and how; a part of one it may not."""
    found: dict[str, Share] = {}
    for node in graph.nodes:
        over = work.get(node.name, Work()).inplace
        if over is None or node.inputs[over.operand] not in home:
            continue
        v = node.inputs[over.operand]
        if round_up(held_bytes(graph, v, span), ALIGN) != nbytes[home[v]]:
            continue
        others = {home[x] for x in node.inputs if x != v and x in home}
        if home[v] in others:  # an operand is read in another order than the proof knows
            continue
        share = overlap(graph, node, over, span)
        if share is not None:
            found[node.name] = replace(share, buffer=home[v])
    return found
