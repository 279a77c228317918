"""Whole plans: nothing is written over while it is needed, and no order has a lower peak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pytest

from edgeprune import planner
from edgeprune.ir import DType, Graph, Node, Over, QuantParams, TensorType, build_graph
from edgeprune.ops import Add, Concat, Dense, Relu, Reshape, Slice
from edgeprune.planner import Buffer, MemoryPlan, Work, plan_memory
from edgeprune.planner.order import _Steps, best_order

SEEDS = range(40)


def network(seed: int) -> tuple[Graph, dict[str, Work]]:
    """Vectors that are cut, joined, added, seen in another shape; and what their kernels need."""
    rng = np.random.default_rng(seed)
    inputs = {f"x{i}": TensorType((int(rng.integers(1, 12)),)) for i in range(rng.integers(1, 3))}
    sizes = {v: t.shape[0] for v, t in inputs.items()}
    nodes: list[Node] = []
    work: dict[str, Work] = {}
    for i in range(int(rng.integers(1, 7))):
        v, w = rng.choice(list(sizes), 2)
        name, kind, first = f"n{i}", rng.integers(5), 0
        if kind == 0 and sizes[v] > 1:
            size, op, inputs_of = int(rng.integers(1, sizes[v])), None, (v,)
            first = int(rng.integers(0, sizes[v] - size + 1))
            op = Slice((first,), (first + size,), (1,))
        elif kind == 1:
            size, op, inputs_of = sizes[v] + sizes[w], Concat(), (v, w)
        elif kind == 2 and sizes[v] == sizes[w]:
            size, op, inputs_of = sizes[v], Add(), (v, w)
        elif kind == 3:
            size, op, inputs_of = sizes[v], Reshape(shape=(sizes[v],)), (v,)
        else:
            size, op, inputs_of = sizes[v], Relu(), (v,)
        sizes[name] = size
        nodes.append(Node(name, op, tuple(map(str, inputs_of)), name))
        over = Over(0, int(rng.integers(0, 9)), exact=bool(rng.random() < 0.3))
        over = over if rng.random() < 0.5 and len(inputs_of) == 1 else None
        seen = kind == 3 or (isinstance(op, Slice) and rng.random() < 0.5)
        at = 4 * first if seen else None
        work[name] = Work(int(rng.choice([0, 0, 3, 20])), over, view=at)
    outputs = [str(v) for v in rng.permutation([n.output for n in nodes])[: rng.integers(1, 4)]]
    return build_graph("g", nodes, inputs, outputs, {}), work


def stretch(plan: MemoryPlan, graph: Graph, v: str) -> range:
    return range(plan.offset_of(v), plan.offset_of(v) + graph.types[v].nbytes)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_layout_is_placed_twice(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain has one order, with in-place results or without."""
    real, placed = planner.place, []

    def noted(buffers: Sequence[Buffer], **options: int | None) -> list[int]:
        placed.append(tuple(buffers))
        return [at + 4 * len(buffers) for at in real(buffers, **options)]  # never at the bound

    monkeypatch.setattr(planner, "place", noted)
    plan_memory(*network(seed))
    assert len(set(placed)) == len(placed)


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_is_whole_whenever_it_is_read_and_outputs_are_to_the_end(
    seed: int, thorough: bool
) -> None:
    """By running the plan on a memory that says of every byte which value wrote it last."""
    graph, work = network(seed)
    plan = plan_memory(graph, work, thorough=thorough)
    assert sorted(plan.order) == sorted(n.name for n in graph.nodes)
    memory: list[str] = [""] * plan.arena_bytes
    node = {n.name: n for n in graph.nodes}
    names = {v: plan.home[v] for v in graph.activations}  # a view is bytes of its operand

    def write(v: str) -> None:
        for k in stretch(plan, graph, v):
            memory[k] = names[v]

    def check(v: str) -> None:
        assert {memory[k] for k in stretch(plan, graph, v)} == {names[v]}, (plan, v)

    for v in graph.inputs:
        write(v)
    for v in graph.inputs:
        check(v)
    for name in plan.order:
        n, w = node[name], work[name]
        for v in n.inputs:
            check(v)
        if w.view is not None:
            continue
        if w.scratch_bytes:
            at = plan.offsets[f"{name}:scratch"]
            for k in range(at, at + w.scratch_bytes):
                memory[k] = "scratch"
            for v in n.inputs:
                check(v)
        under = n.inputs[w.inplace.operand] if w.inplace else None
        for v in n.inputs:
            ahead = plan.offset_of(v) - plan.offset_of(n.output)
            apart = not set(stretch(plan, graph, v)) & set(stretch(plan, graph, n.output))
            allowed = v == under and w.inplace is not None and ahead >= w.inplace.lead
            if allowed and w.inplace is not None and w.inplace.exact:
                allowed = ahead == w.inplace.lead
            assert apart or allowed
        write(n.output)
        if w.scratch_bytes:
            at = plan.offsets[f"{name}:scratch"]
            assert not set(range(at, at + w.scratch_bytes)) & set(stretch(plan, graph, n.output))
    for v in graph.outputs:
        check(v)


def peak(graph: Graph, work: Mapping[str, Work], order: Sequence[str]) -> int:
    """The most bytes alive, by the definition; nothing lies over anything."""
    home: dict[str, str] = {v: v for v in graph.inputs}
    for n in graph.nodes:
        home[n.output] = home[n.inputs[0]] if work[n.name].view is not None else n.output
    size: dict[str, int] = {}
    for v in graph.activations:
        size[home[v]] = max(size.get(home[v], 0), -(-graph.types[v].nbytes // 4) * 4)
    node = {n.name: n for n in graph.nodes}
    most = 0
    for i, name in enumerate(order):
        begun = {home[v] for v in graph.inputs} | {home[node[k].output] for k in order[: i + 1]}
        later = {home[v] for k in order[i:] for v in node[k].inputs}
        kept = {home[v] for v in graph.outputs} | later | {home[node[name].output]}
        scratch = -(-work[name].scratch_bytes // 4) * 4
        most = max(most, scratch + sum(size[b] for b in begun & kept))
    return most


def orders(graph: Graph) -> Iterator[tuple[str, ...]]:
    def follow(done: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if len(done) == len(graph.nodes):
            yield done
        made = {*graph.inputs, *done}
        for n in graph.nodes:
            if n.name not in done and set(n.inputs) <= made:
                yield from follow((*done, n.name))

    return follow(())


@pytest.mark.parametrize("few", [1, 64])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_order_has_a_lower_peak_than_the_best(
    seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeprune.planner.order.FEW", few)
    graph, work = network(seed)
    plain = {k: replace(w, inplace=None) for k, w in work.items()}
    plan = plan_memory(graph, plain)
    best = min(peak(graph, plain, order) for order in orders(graph))
    assert plan.lower_bound_bytes == peak(graph, plain, plan.order) == best
    assert plan.arena_bytes >= best
    assert dict(plan.steps).keys() == {n.name for n in graph.nodes}
    assert max(n for _, n in plan.steps) == best


@pytest.mark.parametrize("few", [1, 64])
def test_an_order_is_the_best_for_what_lies_over_its_operands_too(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeprune.planner.order.FEW", few)
    gains = 0
    for graph, work in map(network, range(60)):
        layout = partial(planner._layout, graph, inplace=True, span=None)
        found = layout(work, order=None).bound
        assert found == min(layout(work, order=order).bound for order in orders(graph))
        plain = {k: replace(w, inplace=None) for k, w in work.items()}
        gains += layout(work, order=layout(plain, order=None).order).bound > found
    assert gains


@pytest.mark.parametrize("seed", SEEDS)
def test_what_may_lie_over_its_operand_never_takes_more_memory(seed: int) -> None:
    graph, work = network(seed)
    plain = {k: replace(w, inplace=None) for k, w in work.items()}
    assert plan_memory(graph, work).arena_bytes <= plan_memory(graph, plain).arena_bytes


def test_an_order_that_is_asked_for_is_kept() -> None:
    nodes = [
        Node("big", Concat(), ("x", "x"), "big"),
        Node("small", Slice((0,), (1,), (1,)), ("big",), "small"),
        Node("other", Relu(), ("x",), "other"),
        Node("y", Concat(), ("small", "other"), "y"),
    ]
    graph = build_graph("g", nodes, {"x": TensorType((8,))}, ["y"], {})
    work = {n.name: Work() for n in nodes}
    for order in orders(graph):
        assert plan_memory(graph, work, order=order).order == order
    # the large value is gone before the other one is made
    assert plan_memory(graph, work).order == ("big", "small", "other", "y")


def test_a_result_that_lies_over_its_operand_saves_all_of_it() -> None:
    nodes = [Node("a", Relu(), ("x",), "a"), Node("b", Relu(), ("a",), "b")]
    graph = build_graph("g", nodes, {"x": TensorType((8,))}, ["b"], {})
    over = {n.name: Work(inplace=Over()) for n in nodes}
    assert plan_memory(graph, over).arena_bytes == 32
    assert plan_memory(graph, {n.name: Work() for n in nodes}).arena_bytes == 64
    # what is read later, or given back, is not written over
    kept = build_graph("g", nodes, {"x": TensorType((8,))}, ["b", "a"], {})
    assert plan_memory(kept, over).arena_bytes == 64


def test_operands_that_are_the_same_value_are_not_written_over() -> None:
    """A sum of x and x seen in another shape: its proof is of one operand."""
    nodes = [
        Node("r", Reshape(shape=(8,)), ("x",), "r"),
        Node("a", Add(), ("x", "r"), "a"),
    ]
    graph = build_graph("g", nodes, {"x": TensorType((8,))}, ["a"], {})
    work = {"r": Work(view=0), "a": Work(inplace=Over())}
    assert plan_memory(graph, work).arena_bytes == 64


def branches() -> Graph:
    """Two of them, each with large values in it."""
    nodes = []
    for b in "ab":
        nodes.append(Node(f"{b}0", Concat(), ("x", "x"), f"{b}0"))
        nodes += [Node(f"{b}{i}", Relu(), (f"{b}{i - 1}",), f"{b}{i}") for i in range(1, 6)]
        nodes.append(Node(f"{b}s", Slice((0,), (1,), (1,)), (f"{b}5",), f"{b}s"))
    mixed = [n for pair in zip(nodes[:7], nodes[7:], strict=True) for n in pair]
    mixed.append(Node("y", Concat(), ("as", "bs"), "y"))
    return build_graph("g", mixed, {"x": TensorType((8,))}, ["y"], {})


def test_branches_run_one_after_the_other_and_few_sets_give_an_order_too() -> None:
    graph = branches()
    home = {v: v for v in graph.activations}
    nbytes = {v: graph.types[v].nbytes for v in graph.activations}
    plain = {n.name: Work() for n in graph.nodes}
    best = best_order(graph, home, nbytes, {}, {})
    assert peak(graph, plain, best) == 32 + 64 + 64
    for states in (1, 2, 3):
        made: set[str] = set(graph.inputs)
        for name in best_order(graph, home, nbytes, {}, {}, states=states):
            (node,) = (n for n in graph.nodes if n.name == name)
            assert set(node.inputs) <= made
            made.add(node.output)
        assert made == set(graph.activations)


@pytest.mark.parametrize("is_view", [True, False])
def test_parts_of_a_value_that_are_added_up_are_ordered_in_few_steps(
    is_view: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are two to the power of 24 sets of the parts."""
    nodes = [Node(f"s{i}", Slice((i,), (i + 64,), (1,)), ("x",), f"s{i}") for i in range(24)]
    at = "s0"
    for i in range(1, 24):
        nodes.append(Node(f"a{i}", Add(), (at, f"s{i}"), f"a{i}"))
        at = f"a{i}"
    graph = build_graph("g", nodes, {"x": TensorType((128,))}, (at,), {})
    work = {f"s{i}": Work(view=4 * i) for i in range(24)} if is_view else {}
    tried = []
    during = _Steps.during

    def counted(steps: _Steps, done: int, i: int, live: int) -> int:
        tried.append(i)
        return during(steps, done, i, live)

    monkeypatch.setattr(_Steps, "during", counted)
    plan = plan_memory(graph, work)
    parts = 2 if is_view else 3
    assert plan.arena_bytes == 128 * 4 + parts * 64 * 4
    assert len(tried) < 500_000


def test_what_a_step_leaves_is_looked_at_only_where_it_is_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps of a sequence may all be cut off at first: most ways are dropped at once."""
    nodes = [Node(f"s{i}", Slice((i,), (i + 8,), (1,)), ("x",), f"s{i}") for i in range(24)]
    at = "s0"
    for i in range(1, 24):
        nodes.append(Node(f"a{i}", Add(), (at, f"s{i}"), f"a{i}"))
        at = f"a{i}"
    graph = build_graph("g", nodes, {"x": TensorType((32,))}, (at,), {})
    looked = []
    left = _Steps.left

    def counted(steps: _Steps, done: int, i: int, live: int) -> int:
        looked.append(i)
        return left(steps, done, i, live)

    monkeypatch.setattr(_Steps, "left", counted)
    nbytes = {v: graph.types[v].nbytes for v in graph.activations}
    order = best_order(graph, {v: v for v in graph.activations}, nbytes, {}, {}, states=30)
    assert sorted(order) == sorted(n.name for n in nodes)
    assert len(looked) <= 30 * len(nodes)


def test_branches_from_inputs_of_their_own_run_one_after_the_other_too() -> None:
    cut = Slice((0,), (1,), (1,))
    nodes = [
        Node("a0", Concat(), ("x", "x"), "a0"),
        Node("b0", Concat(), ("z", "z"), "b0"),
        Node("a1", cut, ("a0",), "a1"),
        Node("b1", cut, ("b0",), "b1"),
        Node("y", Concat(), ("a1", "b1"), "y"),
    ]
    graph = build_graph("g", nodes, {"x": TensorType((8,)), "z": TensorType((8,))}, ["y"], {})
    plan = plan_memory(graph, {n.name: Work() for n in nodes})
    assert plan.order == ("a0", "a1", "b0", "b1", "y")
    assert plan.arena_bytes == 4 * (8 + 8 + 16)


@pytest.mark.parametrize("counts", list(combinations(range(3), 2)))
def test_bytes_count_in_whole_words(counts: tuple[int, int]) -> None:
    t = TensorType((5 + counts[0],), DType.INT8, QuantParams.of(1.0))
    nodes = [Node("a", Relu(), ("x",), "a")]
    graph = build_graph("g", nodes, {"x": t}, ["a"], {}, known={"a": t})
    plan = plan_memory(graph, {"a": Work(counts[1])})
    assert plan.arena_bytes == 8 + 8 + (4 if counts[1] else 0)
    assert plan.arena_bytes == plan.lower_bound_bytes
    assert planner.ALIGN == 4


def test_a_thorough_plan_is_searched_for_and_another_one_is_not() -> None:
    sizes = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sources = ["x", *(f"n{rng.integers(0, i)}" for i in range(1, 9))]
        widths = {"x": 8, **{f"n{i}": int(rng.integers(1, 40)) for i in range(9)}}
        nodes, constants = [], {}
        for i, v in enumerate(sources):
            n = widths[f"n{i}"]
            constants |= {f"w{i}": np.ones((n, widths[v]), "f"), f"b{i}": np.zeros(n, "f")}
            nodes.append(Node(f"n{i}", Dense(), (v, f"w{i}", f"b{i}"), f"n{i}"))
        outputs = [f"n{i}" for i in range(9) if f"n{i}" not in sources]
        graph = build_graph("g", nodes, {"x": TensorType((8,))}, outputs, constants)
        order = [n.name for n in nodes]
        plans = [plan_memory(graph, {}, order=order, thorough=each) for each in (True, False)]
        sizes.append([plan.arena_bytes for plan in plans])
    assert all(searched <= greedy for searched, greedy in sizes)
    assert any(searched < greedy for searched, greedy in sizes)
