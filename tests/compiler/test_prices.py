"""Prices summed over layers are what compiling the pruned network gives."""

from __future__ import annotations

import numpy as np
import pytest
from pruning.graphs import Builder, cnn, mlp

from edgeprune.compiler import Compiled, Recipe, footprint
from edgeprune.compiler import prices as prices_module
from edgeprune.compiler.prices import LayerPrices
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Graph, Node, TensorType, build_graph, couple
from edgeprune.ops import Add, Dense, Mul, Relu, Slice
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import Mask, Occupancy, candidates
from edgeprune.quantize import observe
from edgeprune.target import load_target
from tests.compiler.test_by_rows import compiled

ALL = ("flash", "ram", "near", "instructions")


def some_channels(graph: Graph, seed: int, share: float) -> Mask:
    """Channels and inputs at random, as many as go without emptying a value."""
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    occupancy = Occupancy(coupling)
    rng = np.random.default_rng(seed)
    for k in rng.permutation(np.flatnonzero(candidates(coupling, removed))).tolist():
        if rng.random() < share and occupancy.can_go(k):
            occupancy.remove(k)
            removed[k] = True
    return removed


def recipe(graph: Graph, dtype: str, target: str) -> Recipe:
    x = np.random.default_rng(0).normal(size=(8, *graph.types[graph.inputs[0]].shape))
    seen = {} if dtype == "float32" else observe(fuse(graph), x.astype(np.float32))
    return Recipe(load_target(target), dtype, "speed", seen)  # one kernel, whatever is left


def counted(how: Recipe, graph: Graph) -> dict[str, float]:
    compiled: Compiled = how.compile(graph, thorough=False)
    return {
        "flash": compiled.constant_bytes,
        "ram": compiled.plan.lower_bound_bytes + compiled.copied_bytes,
        "near": compiled.near_bytes,
        "instructions": sum(c.instructions for c in compiled.calls.values()),
        "macs": graph.macs,
        "params": graph.params,
    }


@pytest.mark.parametrize("target", ["cortex-m0plus", "avr"])
@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("seed", range(3))
def test_a_price_is_what_compiling_the_pruned_network_gives(
    seed: int, dtype: str, target: str
) -> None:
    graph = cnn(seed) if seed else mlp(20, 16, 4, act=Relu)
    how = recipe(graph, dtype, target)
    coupling = couple(graph)
    prices = LayerPrices(how.compile(graph, thorough=False), graph, coupling, ALL)
    for share in (0.0, 0.2, 0.6):
        removed = some_channels(graph, seed, share)
        small = compact(graph, coupling, removed)
        found = dict(prices(removed))
        del found["neurons"]
        want = counted(how, small)
        for key in ("flash", "near", "ram"):  # a few arrays of some bytes are equal by chance
            assert found.pop(key) == pytest.approx(want.pop(key), abs=8)
        assert found == want


@pytest.mark.parametrize("height", [16, 32])
def test_layers_by_rows_have_the_price_of_the_places_that_their_rows_have(height: int) -> None:
    by_rows = compiled(height, "cortex-m4")
    assert by_rows.plan.span is not None
    assert by_rows.plan.span.aside & by_rows.plan.span.lasting.keys()
    coupling = couple(by_rows.graph)
    prices = LayerPrices(by_rows, by_rows.graph, coupling, ("ram",))
    found = prices(np.zeros(coupling.count, bool))
    assert found["ram"] == by_rows.plan.lower_bound_bytes


def steps(length: int, channels: int) -> Graph:
    """A dense layer of each step, and the sum of all steps, as a loop writes it out."""
    rng = np.random.default_rng(0)
    shapes = {"w": (channels, 6), "b": (channels,), "w2": (5, channels), "b2": (5,)}
    constants = {v: rng.normal(size=s).astype(np.float32) for v, s in shapes.items()}
    nodes = [Node("d", Dense(), ("x", "w", "b"), "d")]
    for t in range(length):
        nodes.append(Node(f"s{t}", Slice((t, 0), (t + 1, channels), (1, 1)), ("d",), f"s{t}"))
    at = "s0"
    for t in range(1, length):
        nodes.append(Node(f"a{t}", Add(), (at, f"s{t}"), f"a{t}"))
        at = f"a{t}"
    nodes.append(Node("e", Dense(), (at, "w2", "b2"), "y"))
    return build_graph("steps", nodes, {"x": TensorType((length, 6))}, ("y",), constants)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("channels", [7, 8])
def test_steps_have_the_price_of_being_views_or_copies_in_what_is_left(
    channels: int, dtype: str
) -> None:
    graph = steps(4, channels)
    how = recipe(graph, dtype, "cortex-m0plus")
    coupling = couple(graph)
    prices = LayerPrices(how.compile(graph, thorough=False), graph, coupling, ALL)
    removed = np.zeros(coupling.count, bool)
    ids = np.flatnonzero(candidates(coupling, removed) & ~coupling.inputs).tolist()
    are_copies = set()
    for k in ids[:4]:  # rows of 8 or 4 bytes are aligned, of 5 to 7 they are not
        removed[k] = True
        small = compact(graph, coupling, removed)
        are_copies.add("s1" in how.compile(small, thorough=False).calls)
        found, want = dict(prices(removed)), counted(how, small)
        del found["neurons"]
        assert found == want
    assert are_copies == ({False} if dtype == "float32" else {False, True})


@pytest.mark.parametrize("target", ["android", "onnx"])
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_the_price_of_a_file_falls_as_the_file_does(dtype: str, target: str) -> None:
    graph = cnn(3)
    how = recipe(graph, dtype, target)
    coupling = couple(graph)
    whole = how.compile(graph)
    prices = LayerPrices(whole, graph, coupling, ("flash",))
    removed = some_channels(graph, 0, 0.4) & ~coupling.inputs
    small = how.compile(compact(graph, coupling, removed))
    shrinks = footprint(whole).flash_bytes - footprint(small).flash_bytes
    nothing = np.zeros_like(removed)
    assert prices(nothing)["flash"] - prices(removed)["flash"] == pytest.approx(shrinks, rel=0.1)


def test_the_price_of_a_file_asks_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = cnn(3)
    whole, coupling = recipe(graph, "int8", "android").compile(graph), couple(graph)
    monkeypatch.setattr(prices_module, "candidates", None)
    found = LayerPrices(whole, graph, coupling, ("flash", "work"))
    removed = some_channels(graph, 0, 0.4) & ~coupling.inputs
    assert 0 < found(removed)["flash"] < found(np.zeros_like(removed))["flash"]
    with pytest.raises(TypeError):
        LayerPrices(whole, graph, coupling, ("flash", "cycles"))(removed)


def test_a_price_does_not_depend_on_what_was_asked_before() -> None:
    graph = cnn(1)
    how = recipe(graph, "int8", "cortex-m4")
    coupling = couple(graph)
    masks = [some_channels(graph, seed, 0.3) for seed in range(4)]
    first = LayerPrices(how.compile(graph, thorough=False), graph, coupling, ALL)
    last = LayerPrices(how.compile(graph, thorough=False), graph, coupling, ALL)
    forwards = [first(m) for m in masks]
    assert forwards == [last(m) for m in reversed(masks)][::-1]


@pytest.mark.parametrize("op", [Add(), Mul()])
def test_a_number_without_axes_has_a_price(op: Add | Mul) -> None:
    """As a norm of Keras has it, folded."""
    b = Builder(0, x=(6,))
    y = b.add(Relu(), b.add(op, b.dense("x", 8), b.constant()))
    graph = b.build(b.dense(y, 3))
    how, coupling = recipe(graph, "int8", "cortex-m0plus"), couple(graph)
    prices = LayerPrices(how.compile(graph, thorough=False), graph, coupling, ALL)
    removed = some_channels(graph, 0, 0.3)
    assert removed.any()
    want = counted(how, compact(graph, coupling, removed))
    assert prices(removed)["flash"] == pytest.approx(want["flash"], abs=8)
