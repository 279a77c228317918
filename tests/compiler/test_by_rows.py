"""What runs by rows is what leaves the smaller arena, and nothing where nothing is gained."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from edgeprune import ops
from edgeprune.compiler import Compiled, Recipe, compile
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Graph, Node, TensorType, build_graph
from edgeprune.ops._window import Padding
from edgeprune.quantize import observe
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import Optimize

SAME = Padding(1, 1, 1, 1)


def image_network(height: int) -> Graph:
    """Depthwise and pointwise layers that make an image smaller, and a sum, as in MobileNetV2."""
    rng = np.random.default_rng(0)
    constants, nodes = {}, []

    def add(op: ops.Conv2d | ops.DepthwiseConv2d, value: str, *shape: int) -> str:
        i = len(nodes)
        constants[f"w{i}"] = rng.normal(size=shape).astype(np.float32)
        made = shape[0] if isinstance(op, ops.Conv2d) else shape[-1]
        constants[f"b{i}"] = rng.normal(size=made).astype(np.float32)
        nodes.append(Node(f"n{i}", op, (value, f"w{i}", f"b{i}"), f"v{i}"))
        return f"v{i}"

    first = add(ops.Conv2d((2, 2), SAME), "x", 8, 3, 3, 3)
    wide = add(ops.Conv2d(), first, 24, 1, 1, 8)
    seen = add(ops.DepthwiseConv2d((1, 1), SAME), wide, 3, 3, 24)
    back = add(ops.Conv2d(), seen, 8, 1, 1, 24)
    nodes.append(Node("sum", ops.Add(), (first, back), "s"))
    small = add(ops.Conv2d((2, 2), SAME), "s", 8, 3, 3, 8)
    nodes.append(Node("mean", ops.Mean(), (small,), "y"))
    return build_graph("net", nodes, {"x": TensorType((height, height, 3))}, ("y",), constants)


def compiled(
    height: int, target: str, optimize: Optimize = "speed", room: int | None = None
) -> Compiled:
    source = image_network(height)
    x = np.random.default_rng(1).normal(size=(4, height, height, 3)).astype(np.float32)
    seen = observe(fuse(source), x)
    how = Recipe(load_target(target), "int8", optimize, seen, by_rows=True, room=room)
    return how.compile(source)


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55", "cortex-m0plus"])
def test_an_image_network_needs_a_fraction_of_its_arena(target: str) -> None:
    found = compiled(32, target)
    assert found.whole is not None
    assert found.plan.span is not None
    assert {"n1", "n2", "n3", "sum"} <= found.plan.span.names, "what the residual goes around"
    assert found.plan.arena_bytes < 0.5 * found.whole.plan.arena_bytes
    assert found.plan.arena_bytes >= found.plan.lower_bound_bytes


def test_what_is_alive_at_once_does_not_overlap() -> None:
    plan = compiled(32, "cortex-m4").plan
    assert plan.span is not None
    for a in plan.buffers:
        for b in plan.buffers:
            shared = any(s.over and s.over.buffer == o.name for s, o in ((a, b), (b, a)))
            if a is not b and a.meets(b) and not shared:
                ends = plan.offsets[a.name] + a.nbytes, plan.offsets[b.name] + b.nbytes
                assert ends[0] <= plan.offsets[b.name] or ends[1] <= plan.offsets[a.name]


def test_vectors_run_as_they_always_did(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = Mock(wraps=compile.best_spans)
    monkeypatch.setattr(compile, "best_spans", searched)
    rng = np.random.default_rng(0)
    constants = {"w": rng.normal(size=(4, 6)).astype(np.float32), "b": np.zeros(4, np.float32)}
    nodes = [Node("d", ops.Dense(), ("x", "w", "b"), "v"), Node("r", ops.Relu(), ("v",), "y")]
    graph = build_graph("net", nodes, {"x": TensorType((6,))}, ("y",), constants)
    found = Recipe(load_target("cortex-m4"), "float32", "speed", {}, by_rows=True).compile(graph)
    assert found.plan.span is None
    assert found.whole is None
    assert searched.call_count == 1, "where nothing is found there is nothing to search for again"


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_no_more_runs_by_rows_than_the_bytes_that_there_are_ask_for(optimize: Optimize) -> None:
    least = compiled(32, "cortex-m4", optimize)
    assert least.whole is not None
    arena = least.whole.plan.arena_bytes
    assert compiled(32, "cortex-m4", optimize, room=arena).plan.span is None
    some = compiled(32, "cortex-m4", optimize, room=arena - 1)
    more = compiled(32, "cortex-m4", optimize, room=(arena + least.plan.arena_bytes) // 2)
    assert more.plan.span is not None, "some bytes less are had from leaner calls as well"
    for found, room in ((some, arena - 1), (more, (arena + least.plan.arena_bytes) // 2)):
        assert found.plan.arena_bytes <= room
        assert found.work <= least.work
    assert some.work <= more.work
    none = compiled(32, "cortex-m4", optimize, room=0)
    assert none.plan.arena_bytes == least.plan.arena_bytes
    assert none.work == least.work, "bytes that do not suffice are not bought at any price"
    told = replace(none.recipe, room=0, nearest=True).compile_typed(none.graph)
    assert told.plan.arena_bytes <= least.plan.arena_bytes
    assert told.plan.arena_bytes < least.plan.arena_bytes or optimize == "size"


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_more_bytes_never_take_more_work(target: str) -> None:
    least = compiled(32, target)
    assert least.whole is not None
    rooms = np.linspace(least.plan.arena_bytes, least.whole.plan.arena_bytes, 7).astype(int)
    found = [compiled(32, target, room=int(room)) for room in rooms]
    assert all(c.plan.arena_bytes <= room for c, room in zip(found, rooms, strict=True))
    work = [c.work for c in found]
    assert work == sorted(work, reverse=True)


def test_bytes_that_are_left_are_spent_on_calls_of_more_rows() -> None:
    least = compiled(32, "cortex-m4")
    assert least.plan.span is not None
    room = least.plan.arena_bytes * 3 // 2
    more = compiled(32, "cortex-m4", room=room)
    assert more.plan.span is not None
    assert least.plan.arena_bytes < more.plan.arena_bytes <= room
    assert more.work < least.work


@pytest.mark.slow
def test_where_results_find_no_place_over_their_operands_others_are_chosen() -> None:
    """Of a keyword network on the Cortex-M0+ 7,424 bytes are alive at once, and placed in 9,984."""
    rng = np.random.default_rng(0)
    constants = {f"b{i}": rng.normal(size=64).astype(np.float32) for i in range(9)}
    constants["w8"] = rng.normal(size=(64, 10, 4, 1)).astype(np.float32)
    nodes = [Node("n8", ops.Conv2d((2, 2), Padding(4, 1, 5, 1)), ("x", "w8", "b8"), "v8")]
    value = "v8"
    for i in range(8):
        deep = i % 2 == 0
        op = ops.DepthwiseConv2d((1, 1), SAME) if deep else ops.Conv2d()
        shape = (3, 3, 64) if deep else (64, 1, 1, 64)
        constants[f"w{i}"] = rng.normal(size=shape).astype(np.float32)
        nodes.append(Node(f"n{i}", op, (value, f"w{i}", f"b{i}"), f"v{i}"))
        value = f"v{i}"
    nodes.append(Node("mean", ops.Mean(), (value,), "y"))
    source = build_graph("net", nodes, {"x": TensorType((49, 10, 1))}, ("y",), constants)
    seen = observe(fuse(source), rng.normal(size=(2, 49, 10, 1)).astype(np.float32))
    how = Recipe(load_target("cortex-m0plus"), "int8", "speed", seen, by_rows=True, room=7500)
    found = how.compile(source)
    assert found.whole is not None
    assert found.plan.arena_bytes <= 7500
    assert found.work < 1.1 * found.whole.work
