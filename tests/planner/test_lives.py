"""How long what lies in the arena is needed: by rows, and from one call to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprune import ops
from edgeprune.ir import Graph, Node, Over, Port, Span, TensorType, build_graph, span_of
from edgeprune.ops._window import Padding
from edgeprune.planner import MemoryPlan, Work, aside, plan_memory


def images(
    *outputs: str,
    strides: tuple[int, ...] = (1, 1, 1, 1, 1),
    kernels: tuple[int, ...] = (3,) * 9,
) -> Graph:
    """Convolutions one behind the other."""
    nodes, constants, value = [], {}, "x"
    for i, stride in enumerate(strides):
        constants |= {f"w{i}": np.ones((2, kernels[i], 3, 2), "f"), f"b{i}": np.zeros(2, "f")}
        pad = kernels[i] // 2
        op = ops.Conv2d((stride, stride), Padding(pad, 1, pad, 1))
        nodes.append(Node(f"n{i}", op, (value, f"w{i}", f"b{i}"), f"v{i}"))
        value = f"v{i}"
    return build_graph("g", nodes, {"x": TensorType((13, 8, 2))}, (value, *outputs), constants)


def by_rows(
    graph: Graph, begin: int, end: int, most: int = 1, asides: tuple[str, ...] = ()
) -> tuple[MemoryPlan, Span]:
    nodes = graph.nodes[begin:end]
    span = span_of(graph, nodes, [most] * len(nodes))
    assert span is not None
    span = replace(span, aside=span.inner & {*asides})
    work = {n.name: Work(24, Over(0) if i % 2 else None) for i, n in enumerate(graph.nodes)}
    order = [n.name for n in graph.nodes]
    return plan_memory(graph, work, order=order, span=span), span


class Rows:
    """A memory that says of every byte which row of which value was written there last."""

    def __init__(self, graph: Graph, plan: MemoryPlan, span: Span) -> None:
        self._memory: list[tuple[str, int] | None] = [None] * plan.arena_bytes
        self._plan, self._span = plan, span
        self._bytes = {v: t.nbytes // t.shape[0] for v, t in graph.types.items()}

    def _at(self, value: str, row: int, place: str, first: int) -> slice:
        """Where a row lies, in a place that begins with another one."""
        begin = self._plan.offsets[place] + (row - first) * self._bytes[value]
        return slice(begin, begin + self._bytes[value])

    def write(self, value: str, rows: range, place: str = "", first: int = 0) -> None:
        place = place or value
        for row in rows if place in self._plan.offsets else ():
            self._memory[self._at(value, row, place, first)] = [(value, row)] * self._bytes[value]

    def check(self, value: str, rows: range, place: str = "", first: int = 0) -> None:
        place = place or value
        for row in rows if place in self._plan.offsets else ():
            assert set(self._memory[self._at(value, row, place, first)]) == {(value, row)}

    def lost(self, name: str) -> None:
        """What a scratch has."""
        place = next(b for b in self._plan.buffers if b.name == f"{name}:scratch")
        begin = self._plan.offsets[place.name]
        self._memory[begin : begin + place.nbytes] = [None] * place.nbytes

    def run(self, node: Node, turn: int) -> None:
        """As the loop does: rows that stay aside come and go, the rest is read and written."""
        span, v, read = self._span, node.output, node.inputs[0]
        held = span.turns[turn].held
        if span.last_reader.get(read) is node:
            left, now = span.stays(read, turn), held[read]
            moves = span.moves(read, turn)
            stay = range(now.stop - left, now.stop) if moves.left else range(0)
            if read in span.aside:
                self.check(read, stay, first=now.start)
                self.write(read, stay, aside(read), stay.start)
        if v in span.aside and span.moves(v, turn).back:
            back = range(held[v].start, held[v].start + span.stays(v, turn - 1))
            self.check(v, back, aside(v), back.start)
            self.write(v, back, first=back.start)
        made = span.turns[turn].made.get(node.name)
        if made is not None:
            self.lost(node.name)
            rows, source = made[0], made[1].rows[0]
            assert source is not None
            self.check(read, source, first=held[read].start if read in span.inner else 0)
            self.write(v, rows, first=held[v].start if v in span.inner else 0)
        if span.last_reader.get(read) is node and read not in span.aside and moves.left:
            self.check(read, stay, first=now.start)
            self.write(read, stay, first=stay.start)


@pytest.mark.parametrize("asides", [(), ("v1", "v3"), ("v0", "v1", "v2", "v3")])
@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("strides", [(1, 1, 1, 1, 1), (1, 2, 1, 2, 1)])
@pytest.mark.parametrize(
    ("begin", "end", "outputs"),
    [(0, 3, ()), (0, 3, ("x",)), (1, 4, ()), (1, 4, ("v0",)), (2, 5, ()), (2, 5, ("x", "v1"))],
)
def test_what_is_read_in_several_turns_is_whole_in_all_of_them(
    begin: int,
    end: int,
    outputs: tuple[str, ...],
    strides: tuple[int, ...],
    most: int,
    asides: tuple[str, ...],
) -> None:
    graph = images(*outputs, strides=strides)
    plan, span = by_rows(graph, begin, end, most, asides)
    assert {aside(v) for v in span.lasting.keys() & span.aside} <= plan.offsets.keys()
    memory = Rows(graph, plan, span)
    whole = {v: range(t.shape[0]) for v, t in graph.types.items()}
    memory.write("x", whole["x"])

    def run(node: Node) -> None:
        memory.lost(node.name)
        memory.check(node.inputs[0], whole[node.inputs[0]])
        memory.write(node.output, whole[node.output])

    for node in graph.nodes[:begin]:
        run(node)
    for turn in range(len(span.turns)):
        for node in span.nodes:
            memory.run(node, turn)
    for node in graph.nodes[end:]:
        run(node)
    for v in graph.outputs:
        memory.check(v, whole[v])


@pytest.mark.parametrize(
    ("over", "kernels", "rows"),
    [
        (Over(0), (3, 3, 3, 3, 3), 4),  # of six that are there at once two come from aside
        (Over(0, exact=True, step=64), (3, 3, 3, 3, 3), 4),
        (Over(0, exact=True, step=64), (1, 3, 1, 3, 1), 4),  # four of six end with them
    ],
)
def test_rows_lie_over_those_that_they_are_made_of_when_what_stays_is_aside(
    over: Over, kernels: tuple[int, ...], rows: int
) -> None:
    graph = images(kernels=kernels)
    span = span_of(graph, graph.nodes, [4] * 5)
    assert span is not None
    span = replace(span, aside=span.inner)
    order = [n.name for n in graph.nodes]
    plans = [
        plan_memory(graph, {n: Work(24, form) for n in order}, order=order, span=span)
        for form in (None, over)
    ]
    saved = [plans[0].lower_bound_bytes - plans[1].lower_bound_bytes]
    saved += [plans[0].arena_bytes - plans[1].arena_bytes]
    assert saved[0] >= rows * 64
    assert saved[1] > 0
    memory = Rows(graph, plans[1], span)
    for turn in range(len(span.turns)):
        for node in graph.nodes:
            memory.run(node, turn)
    memory.check("v4", range(13))


def test_rows_that_stay_aside_leave_the_rest_of_their_place_to_others() -> None:
    graph = images(strides=(1,) * 9)
    every = tuple(f"v{i}" for i in range(9))
    sizes = [by_rows(graph, 0, 9, 4, asides)[0].arena_bytes for asides in ((), every)]
    assert sizes[1] < 0.75 * sizes[0], "six rows while they are read, two in between"


def test_an_input_that_is_read_by_rows_has_no_place_unless_it_is_given_back() -> None:
    plan, _ = by_rows(images(), 0, 3)
    assert not plan.has_place("x")
    assert by_rows(images("x"), 0, 3)[0].has_place("x")
    assert by_rows(images(), 1, 4)[0].has_place("x")


def stateful(*nodes: Node, outputs: tuple[str, ...]) -> Graph:
    vector = TensorType((8,))
    feeds = {"after": Port("after", (8,), None, False, feeds="s")}
    return build_graph("g", nodes, {"x": vector, "s": vector}, outputs, {}, ports=feeds)


def kept(*nodes: Node, outputs: tuple[str, ...] = ("y", "after")) -> set[str]:
    graph = stateful(*nodes, outputs=outputs)
    work = {n.name: Work(view=0 if isinstance(n.op, ops.Reshape) else None) for n in nodes}
    plan = plan_memory(graph, work, order=[n.name for n in nodes])
    assert not plan.kept.keys() & plan.offsets.keys()
    assert {*plan.home.values()} == {*plan.kept, *plan.offsets}
    assert set(plan.kept.values()) <= {"s"}
    return {*plan.kept}


def test_a_state_and_what_it_becomes_lie_where_it_is_kept_unless_it_is_still_read() -> None:
    add, end = Node("a", ops.Add(), ("x", "s"), "a"), Node("y", ops.Relu(), ("a",), "y")
    late = Node("after", ops.Relu(), ("a",), "after")
    assert kept(add, late, end) == kept(add, end, late) == {"s", "after"}
    at_once = Node("after", ops.Add(), ("x", "s"), "after")  # reads one while it writes the other
    assert kept(at_once, Node("y", ops.Relu(), ("after",), "y")) == {"s"}
    early = Node("after", ops.Relu(), ("x",), "after")
    assert kept(early, add, end) == {"s"}


def test_what_the_caller_gives_or_gets_is_not_where_a_state_is_kept() -> None:
    add = Node("a", ops.Add(), ("x", "s"), "a")
    after = Node("after", ops.Relu(), ("a",), "after")
    assert kept(add, after, Node("y", ops.Reshape(shape=(8,)), ("after",), "y")) == {"s"}
    assert kept(add, after, Node("y", ops.Reshape(shape=(8,)), ("s",), "y")) == set()


def test_what_rows_add_up_to_has_a_place_when_the_last_have_been_added() -> None:
    nodes = [Node("a", ops.Relu(), ("x",), "v"), Node("end", ops.Mean(), ("v",), "y")]
    graph = build_graph("sum", nodes, {"x": TensorType((6, 6, 32))}, ("y",), {})
    span = span_of(graph, graph.nodes, [2, 1])
    assert span is not None
    assert span.sums
    work = {"a": Work(400), "end": Work(128)}
    plan = plan_memory(graph, work, order=["a", "end"], span=span)
    lives = {b.name: (b.first, b.last) for b in plan.buffers}
    assert lives["y"] == (1, 2)
    assert lives["end:scratch"] == (0, 1), "sums stay from turn to turn"
