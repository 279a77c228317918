"""How long what lies in the arena is needed: by rows, and from one call to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprune import ops
from edgeprune.ir import Graph, Node, Over, Port, Span, TensorType, build_graph, span_of
from edgeprune.ops._window import Padding
from edgeprune.planner import MemoryPlan, Work, aside, plan_memory

SAME = Padding(1, 1, 1, 1)


def images(*outputs: str, strides: tuple[int, ...] = (1, 1, 1, 1, 1)) -> Graph:
    """Convolutions one behind the other."""
    nodes, constants, value = [], {}, "x"
    for i, stride in enumerate(strides):
        constants |= {f"w{i}": np.ones((2, 3, 3, 2), "f"), f"b{i}": np.zeros(2, "f")}
        op = ops.Conv2d((stride, stride), SAME)
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
    """By going through the turns on a memory that says of every byte what was written last."""
    graph = images(*outputs, strides=strides)
    plan, span = by_rows(graph, begin, end, most, asides)
    memory: list[str] = [""] * plan.arena_bytes
    place = {
        b.name: slice(plan.offsets[b.name], plan.offsets[b.name] + b.nbytes) for b in plan.buffers
    }
    made: set[str] = set()

    def write(name: str) -> None:
        made.add(name)
        if name in place:
            memory[place[name]] = [name] * len(memory[place[name]])

    def check(name: str) -> None:
        assert name in made
        assert name not in place or set(memory[place[name]]) == {name}

    def run(node: Node) -> None:
        write(f"{node.name}:scratch")
        check(node.inputs[0])
        write(node.output)

    def run_by_rows(node: Node, turn: int) -> None:
        v, read = node.output, node.inputs[0]
        if v in span.aside and span.moves(v, turn).back:
            check(aside(v))
            write(v)
        if node.name in span.turns[turn].made:
            run(node)
        last = span.last_reader.get(read) is node and read in span.aside
        if last and span.moves(read, turn).left:
            check(read)
            write(aside(read))

    write("x")
    for node in graph.nodes[:begin]:
        run(node)
    for turn in range(len(span.turns)):
        for v in (*span.read, *(span.lasting.keys() - span.aside), span.result):
            if v in made:
                check(v)
        for node in span.nodes:
            run_by_rows(node, turn)
    for node in graph.nodes[end:]:
        run(node)
    for v in graph.outputs:
        check(v)


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
