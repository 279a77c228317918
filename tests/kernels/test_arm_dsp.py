"""Kernels for cores with the DSP extension compute the reference, on such a core."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import expected, one_node
from kernels.layers import (
    Rng,
    add_layer,
    clamp,
    dense_layer,
    depthwise_layer,
    fours_depthwise_layer,
    image_layer,
    kept_size_layer,
    many_vectors_layer,
    matmul_layer,
    mean_layer,
    mul_layer,
    other_depthwise_layer,
    pick,
    pointwise_layer,
    pool_layer,
    softmax_layer,
    sub_layer,
    unary_layer,
    vector_layer,
    winograd_layer,
)
from kernels.on_core import Trial, run_on_core
from kernels.test_portable_int16 import int16_type, int16_values, wide_layer
from kernels.test_portable_linear import geometry

from edgeprune.compiler import Recipe
from edgeprune.ir import Array, DType, Graph, Node, TensorType, build_graph, run_int
from edgeprune.kernels.select import candidates
from edgeprune.ops import Add, Conv2d, Dense, DepthwiseConv2d, Mean, Sub
from edgeprune.ops._window import Padding
from edgeprune.quantize import quantise
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import Optimize
from edgeprune.verify.run_target import run

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")

CORES = ("cortex-m4", "cortex-m7", "cortex-m33")
TRIALS = 14


FAMILIES = {
    "conv2d": image_layer,
    "pointwise": pointwise_layer,
    "depthwise": depthwise_layer,
    "other_depthwise": other_depthwise_layer,
    "dense": dense_layer,
    "add": add_layer,
    "sub": sub_layer,
    "mul": mul_layer,
    "matmul": matmul_layer,
    "unary": unary_layer,
    "softmax": softmax_layer,
    "pool": pool_layer,
    "mean": mean_layer,
    "kept_size": kept_size_layer,
}


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("helium", [False, True])
def test_int8_kernels_compute_the_reference_on_the_core(
    family: str, optimize: str, helium: bool
) -> None:
    rng = np.random.default_rng([len(optimize), *family.encode()])
    core = "cortex-m55" if helium else CORES[int(rng.integers(len(CORES)))]
    trials = [trial(rng, FAMILIES[family](rng), optimize, core) for _ in range(TRIALS)]
    own = sum("arm_dsp" in f"{t.call.sources}{t.call.headers}" for t in trials)
    assert own > 0 or family in ("unary", "softmax"), "the family has kernels of its own"
    for t, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.parametrize("taps", [150, 160, 161, 240])
def test_kernels_of_any_width_assemble(taps: int) -> None:
    rng = np.random.default_rng(taps)
    constants = layer_constants(rng, (1, taps, 4), 2, 0.05)
    op = DepthwiseConv2d((1, int(rng.integers(1, 3))))
    y = int8_type((), output_scale(rng, 0.05, constants), 3)
    graph = one_node(op, [int8_type((1, taps + 9, 4), 0.05, 3)], y, constants)
    made = [trial(rng, graph, "speed", "cortex-m4")]
    (result,) = run_on_core(made, "cortex-m4")
    np.testing.assert_array_equal(result.output, expected(graph, made[0].feed))


def float_layers(rng: Rng) -> list[Graph]:
    """A dense layer, a convolution of any groups and a depthwise one."""
    stride, dilation = pick(rng, 1, 3, 2), pick(rng, 1, 2, 2)
    kernel, pad = pick(rng, 1, 4, 2), Padding(*pick(rng, 0, 3, 4))
    groups, depth = int(rng.choice([1, 1, 2])), int(rng.integers(1, 5))
    image = TensorType((*(8 + v for v in pick(rng, 0, 6, 2)), groups * depth))
    filters = groups * int(rng.integers(1, 7))

    def constants(shape: tuple[int, ...], axis: int) -> dict[str, tuple[Array, TensorType]]:
        w = rng.normal(size=shape).astype(np.float32)
        b = rng.normal(size=shape[axis]).astype(np.float32)
        return {"w": (w, TensorType(w.shape)), "b": (b, TensorType(b.shape))}

    conv = Conv2d(stride, pad, dilation, groups, clamp(rng))
    depthwise = DepthwiseConv2d(stride, pad, dilation, clamp(rng))
    inputs, outputs = pick(rng, 1, 40, 2)
    narrower = int(rng.integers(1, groups * depth + 1))
    return [
        one_node(Conv2d(), [image], None, constants((narrower, 1, 1, groups * depth), 0)),
        one_node(conv, [image], None, constants((filters, *kernel, depth), 0)),
        one_node(depthwise, [image], None, constants((*kernel, groups * depth), 2)),
        one_node(Dense(clamp(rng)), [TensorType((inputs,))], None, constants((outputs, inputs), 0)),
    ]


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_float_kernels_compute_the_source_on_the_core(core: str, optimize: str) -> None:
    rng = np.random.default_rng(5)
    graphs = [g for _ in range(6) for g in float_layers(rng)]
    trials = [trial(rng, g, optimize, core) for g in graphs]
    for t, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        assert t.call.function.endswith("_arm_dsp")
        want = expected(t.graph, t.feed)
        bound = 1e-5 * float(np.abs(want).max(initial=1.0))
        np.testing.assert_allclose(result.output, want, rtol=1e-5, atol=bound)


def wide_graph(rng: Rng) -> Graph:
    """A layer of int16 with int8 weights: a convolution of any kind, or a dense one."""
    op, image, kernel, groups = geometry(rng, clamp(rng))
    filters = groups * int(rng.integers(1, 10))
    made: Conv2d | Dense = Conv2d(*op[:3], groups, clamp(rng))
    shape: tuple[int, ...] = (filters, *kernel, image[2] // groups)
    if rng.integers(3) == 0:
        made, image = Dense(clamp(rng)), (1, 1, int(rng.integers(1, 60)))
        shape = (filters, image[2])
    xs = float(np.float32(np.exp(rng.uniform(-12, -4))))
    layer = wide_layer(rng, shape, 0, xs)
    y = int16_type((), output_scale(rng, xs, layer))
    return one_node(made, [int16_type(image, xs)], y, layer)


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_int16_layers_compute_the_reference_on_the_core(core: str, optimize: str) -> None:
    rng = np.random.default_rng([16, len(core), len(optimize)])
    trials = [trial(rng, wide_graph(rng), optimize, core) for _ in range(3 * TRIALS)]
    assert all(any("arm_" in s for s in t.call.drop_ins) for t in trials)
    for t, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


def wide_sum(rng: Rng) -> Graph:
    """A sum or difference of int16."""
    shape, scales = pick(rng, 1, 7, 3), np.exp(rng.uniform(-9, -5, 3))
    if rng.integers(3) == 0:
        scales[1] = scales[0]
    a, b, y = (int16_type(shape, float(np.float32(s))) for s in scales)
    return one_node((Add, Sub)[rng.integers(2)](clamp(rng)), [a, b], y)


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_int16_sums_compute_the_reference_on_the_core(optimize: str) -> None:
    rng = np.random.default_rng([17, len(optimize)])
    trials = [trial(rng, wide_sum(rng), optimize, "cortex-m4") for _ in range(2 * TRIALS)]
    assert sum(t.call.kernel == "ep_add_s16_arm_dsp" for t in trials) > TRIALS
    for t, result in zip(trials, run_on_core(trials, "cortex-m4", optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


def test_means_of_more_than_sixteen_bits_hold_the_sum_of_are_the_reference() -> None:
    trials = []
    for count, value in itertools.product((255, 256, 257, 600), (-128, 127)):
        x, y = int8_type((count, 1, 6), 0.1, 0), int8_type((), 0.1, 0)
        graph = one_node(Mean((0, 1)), [x], y)
        made = trial(np.random.default_rng(0), graph, "speed", "cortex-m4")
        assert made.call.function == "ep_mean_s8_arm_dsp"
        full = {"x0": np.full(x.shape, value, np.int8)}
        trials.append(replace(made, feed=full, inplace=False))
    for t, result in zip(trials, run_on_core(trials, "cortex-m4", "speed"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed))


def trial(rng: Rng, graph: Graph, optimize: str, core: str) -> Trial:
    """The call is that of the DSP kernels wherever they have one."""
    isas, pairs = ("arm_dsp", "portable"), load_target(core).pairs
    call = candidates(graph, graph.nodes[0], isas, optimize, "ep_layer0", pairs=pairs)[0]
    made = Trial(graph, call, {v: values(rng, graph.types[v]) for v in graph.inputs})
    return replace(made, inplace=made.may_lie_over and bool(rng.integers(2)))


def values(rng: Rng, t: TensorType) -> Array:
    if t.dtype is DType.FLOAT32:
        return rng.normal(size=t.shape).astype(np.float32)
    if t.dtype is DType.INT16:
        return int16_values(rng, t.shape)
    return int8_values(rng, t.shape)


@pytest.mark.parametrize("family", ["conv2d", "pointwise", "kept_size"])
def test_tiles_for_cores_that_pair_instructions_compute_the_reference(family: str) -> None:
    rng = np.random.default_rng([7, *family.encode()])
    trials = [trial(rng, FAMILIES[family](rng), "speed", "cortex-m7") for _ in range(2 * TRIALS)]
    for t, result in zip(trials, run_on_core(trials, "cortex-m7"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.parametrize("core", CORES)
def test_winograd_computes_the_reference_on_the_core(core: str) -> None:
    rng = np.random.default_rng([12, *core.encode()])
    trials = []
    for _ in range(2 * TRIALS):
        graph = winograd_layer(rng)
        pairs = load_target(core).pairs
        calls = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0", pairs=pairs)
        own = [c for c in calls if c.kernel == "ep_winograd_s8_arm_dsp"]
        feed = {"x0": int8_values(rng, graph.types["x0"].shape)}
        made = [Trial(graph, c, feed) for c in own]
        trials += [replace(t, inplace=t.may_lie_over and bool(rng.integers(2))) for t in made]
    assert len(trials) > TRIALS
    assert {t.inplace for t in trials} == {True, False}
    assert {dict(t.call.params)["held"] for t in trials} == {0, 1}
    for t, result in zip(trials, run_on_core(trials, core, "speed"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


FEW = {
    "ep_dense": vector_layer,
    "ep_conv2d_strip": many_vectors_layer,
    "ep_depthwise_points": fours_depthwise_layer,
}


@pytest.mark.parametrize("kernel", FEW)
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7"])
def test_kernels_for_few_results_and_for_many_vectors_compute_the_reference(
    core: str, kernel: str
) -> None:
    rng = np.random.default_rng([21, *core.encode(), *kernel.encode()])
    trials, pairs = [], load_target(core).pairs
    for _ in range(2 * TRIALS):
        graph = FEW[kernel](rng)
        calls = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0", pairs=pairs)
        feed = {"x0": int8_values(rng, graph.types["x0"].shape)}
        made = [Trial(graph, c, feed) for c in calls if c.kernel.startswith(kernel)]
        trials += [replace(t, inplace=t.may_lie_over and bool(rng.integers(2))) for t in made]
    assert len(trials) > TRIALS
    assert {t.inplace for t in trials} == {True, False}
    for t, result in zip(trials, run_on_core(trials, core, "speed"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33"])
def test_frugal_calls_compute_the_reference_on_the_core(core: str) -> None:
    rng = np.random.default_rng(11)
    trials, kernels = [], set()
    for k in range(3 * TRIALS):
        graph = dense_layer(rng, eights=k % 3 > 0)
        quick, *frugal = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0")
        for call in frugal:
            assert call.scratch_bytes == 0 < quick.scratch_bytes
            kernels.add(call.function)
            feed = {"x0": int8_values(rng, graph.types["x0"].shape)}
            trials.append(Trial(graph, call, feed))
    assert len(kernels) == 2, "eight channels at a time, and four"
    for t, result in zip(trials, run_on_core(trials, core, "speed"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33"])
def test_eights_of_channels_enter_their_loop_at_every_count_of_inputs(core: str) -> None:
    rng = np.random.default_rng(12)
    trials = []
    for inputs, per_channel in itertools.product(range(8, 44, 4), (False, True)):
        held = layer_constants(rng, (16, inputs), 0, 0.05, per_channel=per_channel)
        held = {name: (array // 2, t) for name, (array, t) in held.items()}  # channels are paired
        held["b"] = (held["b"][0] % 1000, held["b"][1])
        y = int8_type((), output_scale(rng, 0.05, held), -1)
        graph = one_node(Dense(), [int8_type((inputs,), 0.05, -128)], y, held)
        call = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0")[1]
        assert call.function == "ep_dense_octs_s8_arm_dsp"
        trials.append(Trial(graph, call, {"x0": int8_values(rng, (inputs,))}))
    for t, result in zip(trials, run_on_core(trials, core, "speed"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


def one_loop_serves_dense_layers(
    folder: Path, rng: Rng, shapes: Sequence[tuple[int, int]], optimize: Optimize
) -> set[str]:
    """Dense layers in a row, (outputs, inputs), as the core computes them; their functions."""
    constants, nodes, at = {}, [], "x"
    for k, (outputs, inputs) in enumerate(shapes):
        constants[f"w{k}"] = rng.normal(size=(outputs, inputs)).astype(np.float32)
        constants[f"b{k}"] = rng.normal(size=outputs).astype(np.float32)
        nodes.append(Node(f"n{k}", Dense(), (at, f"w{k}", f"b{k}"), f"y{k}"))
        at = f"y{k}"
    first = shapes[0][1]
    graph = build_graph("g", nodes, {"x": TensorType((first,))}, (at,), constants)
    ends = {f"y{k}": (-9.0, 9.0) for k in range(len(shapes))}
    typed = quantise(graph, {"x": (-1.0, 1.0), **ends})
    target = load_target("cortex-m4")
    compiled = Recipe(target, "int8", optimize, {}).compile_typed(typed)
    assert len({call.instance for call in compiled.calls.values()}) == 1
    compiled.write_c(folder, "three")
    x = int8_values(rng, (4, first))
    want = run_int(typed, {"x": x})[at]
    np.testing.assert_array_equal(run(folder, target, x, optimize=optimize).outputs, want)
    return {call.function for call in compiled.calls.values()}


def test_layers_of_whole_and_of_half_eights_of_inputs_share_one_loop(tmp_path: Path) -> None:
    shapes = ((64, 36), (64, 64), (32, 64))
    made = one_loop_serves_dense_layers(tmp_path, np.random.default_rng(4), shapes, "speed")
    assert made == {"ep_dense_octs_s8_arm_dsp"}


@pytest.mark.parametrize("outputs", [12, 11, 3])
def test_a_dense_layer_that_is_small_needs_no_working_memory(outputs: int) -> None:
    rng = np.random.default_rng(outputs)
    w = rng.normal(size=(outputs, 20)).astype(np.float32)
    constants = {"w": w, "b": np.zeros(outputs, np.float32)}
    nodes = [Node("n", Dense(), ("x", "w", "b"), "y")]
    graph = build_graph("g", nodes, {"x": TensorType((20,))}, ("y",), constants)
    typed = quantise(graph, {"x": (-1.0, 1.0), "y": (-4.0, 4.0)})
    small, quick = (
        candidates(typed, typed.nodes[0], ("arm_dsp",), o, "ep_layer0")[0]
        for o in ("size", "speed")
    )
    assert small.scratch_bytes == 0
    assert quick.scratch_bytes == 40
    assert small.constant_bytes == quick.constant_bytes


def test_where_size_counts_all_dense_layers_of_a_network_share_one_loop(tmp_path: Path) -> None:
    shapes = ((8, 13), (12, 8), (5, 12))
    one_loop_serves_dense_layers(tmp_path, np.random.default_rng(3), shapes, "size")
