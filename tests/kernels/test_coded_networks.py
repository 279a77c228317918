"""Networks whose layers have weights of different widths: C, `.tflite` and every core agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from kernels.cases import BOOKS

from edgeprune.compiler import Compiled, Recipe
from edgeprune.ir import Array, Codebook, Graph, Node, TensorType, build_graph, run, run_int
from edgeprune.ops import Add, Conv2d, Dense, DepthwiseConv2d, Mean
from edgeprune.ops._window import Padding
from edgeprune.quantize import observe, quantise
from edgeprune.quantize.rounding import roundable, rounded_plainly
from edgeprune.target import load_target
from edgeprune.verify import run_target, run_tflite
from edgeprune.verify.run_c import HostModel

RELU = (0.0, np.inf)
AROUND = Padding(1, 1, 1, 1)


def network(rng: np.random.Generator) -> Graph:
    """A residual network with layers that are unpacked whole, in parts, and in uneven parts."""
    depth, wide = int(rng.integers(18, 25)), int(rng.integers(33, 45))
    shapes = {
        "first": (depth, 3, 3, 3), "middle": (depth, 3, 3, depth), "spread": (3, 3, depth),
        "point": (wide, 1, 1, depth), "wide": (wide, 3, 3, wide), "head": (10, wide),
    }  # fmt: skip
    constants = {}
    for name, shape in shapes.items():
        out = shape[2] if name == "spread" else shape[0]
        fan = np.prod(shape) / out
        constants[f"{name}/w"] = rng.normal(0, fan**-0.5, shape).astype(np.float32)
        constants[f"{name}/b"] = rng.normal(0, 0.1, out).astype(np.float32)

    def layer(op: Conv2d | DepthwiseConv2d | Dense, name: str, x: str) -> Node:
        return Node(name, op, (x, f"{name}/w", f"{name}/b"), name)

    nodes = [
        layer(Conv2d((1, 1), AROUND, clamp=RELU), "first", "x"),
        layer(Conv2d((1, 1), AROUND), "middle", "first"),
        Node("join", Add(RELU), ("first", "middle"), "join"),
        layer(DepthwiseConv2d((2, 2), AROUND, clamp=RELU), "spread", "join"),
        layer(Conv2d(clamp=RELU), "point", "spread"),
        layer(Conv2d((1, 1), AROUND, clamp=RELU), "wide", "point"),
        Node("pool", Mean(), ("wide",), "pool"),
        layer(Dense(), "head", "pool"),
    ]
    return build_graph("mixed", nodes, {"x": TensorType((9, 10, 3))}, ["head"], constants)


def mixed(seed: int, *, short: bool = False) -> Graph:
    """Every layer at eight bits or with a codebook of its own, and with short scales."""
    rng = np.random.default_rng(seed)
    graph = network(rng)
    x = torch.from_numpy(rng.normal(0, 1, (20, 9, 10, 3)).astype(np.float32))
    ranges = {v: (float(a.min()), float(a.max())) for v, a in run(graph, {"x": x}).items()}
    books = [None, *map(Codebook, BOOKS)]
    chosen = {n.name: books[int(rng.integers(len(books)))] for n in graph.nodes}
    chosen["wide"] = Codebook(BOOKS[seed % len(BOOKS)])
    layers = [n for n in graph.nodes if len(n.inputs) == 3]
    few = {n.name: b for n in layers if (b := chosen[n.name])}
    scales = {n.name: _scales(graph, n, few[n.name]) for n in layers if n.name in few}
    return quantise(graph, ranges, codebooks=few, scales=scales if short else None)


def _scales(graph: Graph, node: Node, book: Codebook) -> Array:
    """With which the largest value stands for the peak of every channel."""
    w, axis = graph.constants[node.inputs[1]], node.op.out_axis  # type: ignore[attr-defined]
    rest = tuple(k for k in range(w.ndim) if k != axis)
    return np.abs(w.astype(np.float64)).max(axis=rest) / max(map(abs, book.values))


def compiled(graph: Graph, target: str, optimize: str) -> Compiled:
    recipe = Recipe(load_target(target), "int8", optimize, {})  # type: ignore[arg-type]
    return recipe.compile_typed(graph)


def samples(n: int) -> Array:
    return np.random.default_rng(9).integers(-128, 128, (n, 9, 10, 3)).astype(np.int8)


@pytest.mark.parametrize("seed", range(4))
def test_c_and_tflite_compute_the_reference(tmp_path: Path, seed: int) -> None:
    graph, x = mixed(seed, short=seed > 1), samples(12)
    want = run_int(graph, {"x": x})["head"]
    built = compiled(graph, "host", ("speed", "size")[seed % 2])
    stage = built.calls["wide"].stage
    assert stage is not None
    assert stage.parts > 1
    built.write_c(tmp_path, "mixed")
    with HostModel(tmp_path) as host:
        np.testing.assert_array_equal(host.run(x), want)
    np.testing.assert_array_equal(run_tflite.run(built.tflite, x, threads=1), want)


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("core", "optimize"),
    [("cortex-m4", "speed"), ("cortex-m0plus", "size"), ("cortex-m55", "speed")],
)
def test_firmware_computes_the_reference_on_the_core(
    tmp_path: Path, core: str, optimize: str
) -> None:
    graph, x = mixed(len(core + optimize), short=optimize == "speed"), samples(2)
    built = compiled(graph, core, optimize)
    assert built.calls["wide"].stage
    built.write_c(tmp_path, "mixed")
    found = run_target.run(tmp_path, load_target(core), x, optimize=optimize)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.outputs, run_int(graph, {"x": x})["head"])


def test_flash_holds_codes_and_the_tflite_file_plain_int8() -> None:
    graph = mixed(2)
    bare = {v: replace(t, codebook=None) for v, t in graph.types.items()}
    eight = replace(graph, types=bare)
    coded, plain = (compiled(g, "cortex-m4", "size") for g in (graph, eight))
    saved = sum(
        t.size - t.nbytes for v, t in graph.types.items() if v in graph.constants and t.codebook
    )
    assert saved > 5000
    assert plain.constant_bytes - coded.constant_bytes > 0.95 * saved - 200
    assert coded.tflite == plain.tflite


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_the_rest_of_a_layer_brings_the_code_made_for_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    shapes = {"a": (77, 160), "b": (10, 77)}  # the last channels of "a" go with another tile
    constants = {f"{n}/w": rng.normal(0, 0.1, s).astype(np.float32) for n, s in shapes.items()}
    constants |= {f"{n}/b": np.zeros(s[0], np.float32) for n, s in shapes.items()}
    nodes = [
        Node("a", Dense(clamp=RELU), ("x", "a/w", "a/b"), "a"),
        Node("b", Dense(), ("a", "b/w", "b/b"), "b"),
    ]
    graph = build_graph("rests", nodes, {"x": TensorType((160,))}, ["b"], constants)
    ranges = {"x": (-1.0, 1.0), "a": (0.0, 4.0), "b": (-4.0, 4.0)}
    typed = quantise(graph, ranges, four_bit=["a", "b"])
    target = load_target("cortex-m4")
    Recipe(target, "int4", "size", {}).compile_typed(typed).write_c(tmp_path, "rests")
    x = rng.integers(-128, 128, (3, 160)).astype(np.int8)
    found = run_target.run(tmp_path, target, x, optimize="size").outputs
    np.testing.assert_array_equal(found, run_int(typed, {"x": x})["b"])


@pytest.mark.parametrize("seed", range(3))
def test_layers_of_few_values_take_short_scales_and_nothing_else_does(seed: int) -> None:
    wide, short = mixed(seed), mixed(seed, short=True)
    assert short.types["x"] == wide.types["x"]
    rescaled = 0
    for node in short.nodes:
        if len(node.inputs) != 3:
            continue
        few = short.types[node.inputs[1]].codebook is not None
        call = compiled(short, "cortex-m4", "size").calls[node.name]
        roles = {c.role for c in call.arrays}
        rescaled += "rescale" in roles
        assert "rescale" not in roles or few
        a, b = (g.types[node.inputs[1]].quant for g in (wide, short))
        assert a is not None
        assert b is not None
        assert few or a == b
        np.testing.assert_allclose(a.scale, b.scale, rtol=1 / 50)
    assert rescaled > 1
    held = [compiled(g, "cortex-m4", "size").constant_bytes for g in (wide, short)]
    assert held[1] < 0.95 * held[0]


def test_where_nothing_holds_short_scales_they_stay_as_they_were() -> None:
    graph = network(np.random.default_rng(1))
    x = np.random.default_rng(2).normal(0, 1, (20, 9, 10, 3)).astype(np.float32)
    made, levels = rounded_plainly(graph, dict.fromkeys(roundable(graph), 4))
    seen = observe(made, x)
    scales = {}
    for name in ("avr", "cortex-m0plus"):
        typed = Recipe(load_target(name), "int8", "size", seen, levels=levels).typed(made)
        quant = typed.types[typed.node("point").inputs[1]].quant
        assert quant is not None
        scales[name] = quant.scale
    exact = levels["point"].scales.astype(np.float32)
    assert scales["avr"] == tuple(map(float, exact))
    assert scales["cortex-m0plus"] != scales["avr"]
    np.testing.assert_allclose(scales["cortex-m0plus"], exact, rtol=1 / 60)
