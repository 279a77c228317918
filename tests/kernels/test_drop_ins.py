"""Inner loops for Armv6-M, Armv7-M and RISC-V compute the integer reference, on the core."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import expected
from kernels.layers import (
    dense_layer,
    depthwise_layer,
    image_layer,
    kept_size_layer,
    pointwise_layer,
)
from kernels.on_core import Trial, run_on_core
from toolchain.tiny import on

from edgeprune import resources
from edgeprune.compiler.compile import Recipe
from edgeprune.emit import to_c
from edgeprune.ir import Graph, Node, build_graph, run_int
from edgeprune.kernels import select
from edgeprune.kernels.select import candidates, lower
from edgeprune.ops import Conv2d, Dense, DepthwiseConv2d, Reshape
from edgeprune.ops._window import Padding
from edgeprune.target import load_target
from edgeprune.verify.run_target import run

CORES = {"cortex-m0plus": "armv6m", "cortex-m3": "armv7m", "rv32imc": "riscv"}
FAMILIES = {
    "conv2d": image_layer,
    "pointwise": pointwise_layer,
    "depthwise": depthwise_layer,
    "dense": dense_layer,
    "kept_size": kept_size_layer,
}
TRIALS = 14


def network(rng: np.random.Generator, image: tuple[int, int, int], channels: tuple[int, int, int]):
    """A convolution, a depthwise one, a pointwise one and a dense layer, of awkward sizes."""
    types, constants, constant_types = {"x": int8_type(image, 0.05, 3)}, {}, {}
    nodes: list[Node] = []
    at = "x"

    def add(name, op, shape, axis):
        nonlocal at
        x = types[at]
        layer = layer_constants(rng, shape, axis, x.quant.scale[0])
        for key, (a, t) in layer.items():
            constants[name + key], constant_types[name + key] = a, t
        y = op.infer(x, *(t for _, t in layer.values()))
        types[name] = int8_type(y.shape, output_scale(rng, x.quant.scale[0], layer), -5)
        nodes.append(Node(name, op, (at, *(name + key for key in layer)), name))
        at = name

    first, second, last = channels
    add("conv", Conv2d((1, 2), Padding(1, 0, 1, 2)), (first, 3, 2, image[2]), 0)
    add("depthwise", DepthwiseConv2d((1, 1), Padding(1, 1, 1, 1)), (3, 3, first), 2)
    add("pointwise", Conv2d(), (second, 1, 1, first), 0)
    size = types[at].size
    types["flat"] = int8_type((size,), types[at].quant.scale[0], -5)
    nodes.append(Node("flat", Reshape((size,)), (at,), "flat"))
    at = "flat"
    add("dense", Dense(), (last, size), 0)
    return build_graph(
        "net", nodes, {"x": types["x"]}, [at], constants, constant_types, known=types
    )


@on(list(CORES))
@pytest.mark.parametrize(
    ("image", "channels"), [((6, 9, 3), (8, 4, 19)), ((5, 4, 9), (6, 7, 8)), ((4, 5, 1), (5, 9, 3))]
)
def test_the_core_computes_the_reference(core, image, channels, rng, tmp_path: Path) -> None:
    graph: Graph = network(rng, image, channels)
    target = load_target(core)
    used = {f for c in lower(graph, target.kernels, "speed", core).values() for f in c.drop_ins}
    assert f"arch/{CORES[core]}/ep_tile_s8.S" in used
    compiled = Recipe(target, "int8", "speed", {}).compile_typed(graph)
    name = f"net_{core.replace('-', '_')}_{'_'.join(map(str, image))}"
    compiled.write_c(tmp_path, name)
    x = int8_values(rng, (4, *image))
    want = run_int(graph, {"x": x})[graph.outputs[0]]
    np.testing.assert_array_equal(run(tmp_path, target, x).outputs, want)


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
@on(list(CORES))
def test_any_layer_is_the_reference_on_the_core(core: str, family: str, optimize: str) -> None:
    rng = np.random.default_rng([len(core), len(optimize), *family.encode()])
    kernels = load_target(core).kernels
    trials, quick = [], 0
    for graph in (FAMILIES[family](rng) for _ in range(TRIALS)):
        calls = candidates(graph, graph.nodes[0], kernels, optimize, "ep_layer0")
        call = [c for c in calls if "plain" not in c.kernel][-1]  # what drop-ins are for
        quick += str(dict(call.params).get("output", call.params[-1][1])).endswith(("1", "1}"))
        made = Trial(graph, call, {"x0": int8_values(rng, graph.types["x0"].shape)})
        trials.append(replace(made, inplace=made.may_lie_over and bool(rng.integers(4))))
    assert 0 < quick < TRIALS, "both ends of a layer are tested"
    for t, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_a_drop_in_in_c_is_emitted_beside_the_portable_file_of_its_name(
    rng, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "runtime"
    shutil.copytree(resources.runtime_dir(), runtime)
    (runtime / "arch" / "armv7m" / "ep_taps_s8.S").unlink()
    portable = (runtime / "src" / "ep_taps_s8.c").read_text()
    assert "EP_WEAK" in portable
    marked = portable.replace("EP_WEAK ", "") + "const int ep_mark_of_the_drop_in = 1;\n"
    (runtime / "arch" / "armv7m" / "ep_taps_s8.c").write_text(marked)
    for module in (select, to_c):
        monkeypatch.setattr(module, "runtime_dir", lambda: runtime)
    monkeypatch.setattr(select, "_drop_ins", select._drop_ins.__wrapped__)  # other files, no cache
    graph = network(rng, (5, 4, 9), (6, 7, 8))
    target = load_target("cortex-m3")
    compiled = Recipe(target, "int8", "speed", {}).compile_typed(graph)
    files = compiled.write_c(tmp_path / "c", "net").files
    assert b"ep_mark_of_the_drop_in" in files["ep_taps_s8-armv7m.c"]
    assert b"ep_mark_of_the_drop_in" not in files["ep_taps_s8.c"]
    x = int8_values(rng, (2, 5, 4, 9))
    want = run_int(graph, {"x": x})[graph.outputs[0]]
    np.testing.assert_array_equal(run(tmp_path / "c", target, x).outputs, want)
