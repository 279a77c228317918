"""Helium kernels compute what the integer reference does, on a core that has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import expected, one_node
from kernels.layers import (
    Rng,
    clamp,
    kept_size_layer,
    mean_layer,
    pick,
    softmax_layer,
    unary_layer,
    zero,
)
from kernels.on_core import Trial, run_on_core
from kernels.test_arm_dsp import values, wide_graph

from edgeprune.ir import DType, Graph, QuantParams, TensorType
from edgeprune.kernels.arm_mve import conv
from edgeprune.kernels.select import candidates
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    MaxPool2d,
    Mul,
    Softmax,
    Sub,
)
from edgeprune.ops._window import Padding

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")

TRIALS = 40


def wide_layer(rng: Rng) -> Graph:
    """Lines that are too long to be gathered at once."""
    size = (int(rng.integers(3, 6)), int(rng.integers(60, 200)))
    depth = int(rng.choice([1, 3, 8, 16]))
    shape = (*(size if rng.integers(2) else size[::-1]), depth)
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    x = int8_type(shape, xs, zero(rng))
    stride, pad = pick(rng, 1, 2, 2), Padding(*pick(rng, 0, 2, 4))
    op: Conv2d | DepthwiseConv2d
    if rng.integers(2):
        constants = layer_constants(rng, (3, 3, depth), 2, xs)
        op = DepthwiseConv2d(stride, pad, (1, 1), clamp(rng))
    else:
        constants = layer_constants(rng, (5, 3, 3, depth), 0, xs)
        op = Conv2d(stride, pad, (1, 1), 1, clamp(rng))
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(op, [x], y, constants)


def dense_layer(rng: Rng) -> Graph:
    n_in, n_out = int(rng.integers(1, 90)), int(rng.integers(1, 27))
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, (n_out, n_in), 0, xs, per_channel=bool(rng.integers(2)))
    shape = (int(rng.integers(1, 4)), n_in) if rng.integers(2) else (n_in,)
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(Dense(clamp(rng)), [int8_type(shape, xs, zero(rng))], y, constants)


def image_layer(rng: Rng, *, pointwise: bool = False, depthwise: bool = False) -> Graph:
    kernel = (1, 1) if pointwise else pick(rng, 1, 7 if depthwise else 4, 2)
    stride, dilation = pick(rng, 1, 3, 2), pick(rng, 1, 2, 2)
    pad = Padding(*pick(rng, 0, 0 if pointwise and rng.integers(4) else 3, 4))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    depth = int(rng.choice([1, 2, 3, 5, 8, 12, 16, 17, 32, 37]))
    height = max(1, reach[0] - pad.top - pad.bottom) + int(rng.integers(0, 9))
    width = max(1, reach[1] - pad.left - pad.right) + int(rng.integers(0, 14))
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    x = int8_type((height, width, depth), xs, zero(rng))
    op: Conv2d | DepthwiseConv2d
    if depthwise:
        constants = layer_constants(rng, (*kernel, depth * int(rng.integers(1, 3))), 2, xs)
        op = DepthwiseConv2d(stride, pad, dilation, clamp(rng))
    else:
        groups = int(rng.choice([n for n in (1, 1, 1, 2, 3, 4) if depth % n == 0]))
        filters = groups * int(rng.integers(1, 14))
        constants = layer_constants(rng, (filters, *kernel, depth // groups), 0, xs)
        op = Conv2d(stride, pad, dilation, groups, clamp(rng))
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(op, [x], y, constants)


def pointwise_layer(rng: Rng) -> Graph:
    return image_layer(rng, pointwise=True)


def depthwise_layer(rng: Rng) -> Graph:
    return image_layer(rng, depthwise=True)


def add_layer(rng: Rng) -> Graph:
    shape = pick(rng, 1, 7, 3)
    scales = np.exp(rng.uniform(-3, 1, 3))
    if rng.integers(3) == 0:
        scales[1] = scales[0]
    a, b, y = (int8_type(shape, float(np.float32(s)), zero(rng)) for s in scales)
    return one_node((Add, Sub)[rng.integers(2)](clamp(rng)), [a, b], y)


def repeated_layer(rng: Rng) -> Graph:
    """Sums, differences and products with an operand that is repeated along some axes."""
    shape = pick(rng, 1, 9, 3)
    other = tuple(1 if rng.integers(2) else n for n in shape)
    a, b, y = (
        int8_type(s, float(np.float32(np.exp(rng.uniform(-3, 1)))), zero(rng))
        for s in (shape, other, shape)
    )
    op = (Add, Sub, Mul)[rng.integers(3)](clamp(rng))
    return one_node(op, [a, b] if rng.integers(2) else [b, a], y)


def pool_layer(rng: Rng) -> Graph:
    kernel = pick(rng, 1, 5, 2)
    pad = Padding(*(int(rng.integers(0, kernel[i])) for i in (0, 1, 0, 1)))
    depth = int(rng.integers(1, 40))
    x = int8_type((*(k + int(rng.integers(0, 6)) for k in kernel), depth), 0.1, zero(rng))
    kind = (AvgPool2d, MaxPool2d)[rng.integers(2)]
    return one_node(kind(kernel, pick(rng, 1, 4, 2), pad, clamp(rng)), [x], x)


def wide_pool_layer(rng: Rng) -> Graph:
    """Windows on both sides of 255 elements; each count divides otherwise."""
    kernel = (int(rng.integers(1, 18)), int(rng.integers(1, 20)))
    x = int8_type((*kernel, int(rng.integers(1, 12))), 0.1, zero(rng))
    return one_node(AvgPool2d(kernel, (1, 1), Padding(0, 0, 0, 0), None), [x], x)


FAMILIES = {
    "repeated": repeated_layer,
    "pool": pool_layer,
    "wide_pool": wide_pool_layer,
    "mean": mean_layer,
    "unary": unary_layer,
    "softmax": softmax_layer,
    "wide": wide_layer,
    "add": add_layer,
    "dense": dense_layer,
    "conv2d": image_layer,
    "pointwise": pointwise_layer,
    "depthwise": depthwise_layer,
    "kept_size": kept_size_layer,
}


def trial(rng: Rng, graph: Graph, optimize: str) -> Trial:
    call = candidates(graph, graph.nodes[0], ("arm_mve", "portable"), optimize, "ep_layer0")[0]
    made = Trial(graph, call, {v: int8_values(rng, graph.types[v].shape) for v in graph.inputs})
    return replace(made, inplace=made.may_lie_over and bool(rng.integers(4)))


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_compute_the_reference_on_the_core(family: str, optimize: str) -> None:
    rng = np.random.default_rng([*family.encode()])
    trials: list[Trial] = []
    for _ in range(TRIALS):
        graph = FAMILIES[family](rng)
        trials.append(trial(rng, graph, optimize))
    assert sum("arm_mve" in t.call.function for t in trials) > TRIALS * 3 // 4
    agree(trials, optimize)


def test_softmax_of_many_like_logits_is_the_reference() -> None:
    trials = []
    for length in (511, 512, 513, 1024, 4095):
        x = int8_type((length,), 1e-4, 0)
        graph = one_node(Softmax(), [x], TensorType((), x.dtype, Softmax().fixed_quant(8)))
        for call in candidates(graph, graph.nodes[0], ("arm_mve",), "speed", "ep_layer0"):
            trials.append(Trial(graph, call, {"x0": np.zeros(length, np.int8)}))
    assert len({t.call.function for t in trials}) == 2
    agree(trials, "speed")


def test_zeros_behind_a_channel_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conv, "FEW", 0)
    rng = np.random.default_rng(0)
    graphs = [image_layer(rng, pointwise=bool(i % 3 == 0)) for i in range(TRIALS)]
    agree([trial(rng, graph, "speed") for graph in graphs], "speed")


def layer_of(rng: Rng, image: tuple[int, ...], filters: int, dilation: int, **of: object) -> Graph:
    """A convolution, depthwise without ``filters``, whose result is as large as its input."""
    kernel = of.get("kernel", (1, 1))
    assert isinstance(kernel, tuple)
    shape = (filters, *kernel, image[2]) if filters else (*kernel, image[2])
    constants = layer_constants(rng, shape, 0 if filters else 2, 0.05)
    before = [(k - 1) * dilation // 2 for k in kernel]
    after = [(k - 1) * dilation - b for k, b in zip(kernel, before, strict=True)]
    kind = Conv2d if filters else DepthwiseConv2d
    act = (None, (0.0, np.inf))[rng.integers(2)]
    op = kind(padding=Padding(*before, *after), dilation=(dilation,) * 2, clamp=act)
    y = int8_type((), output_scale(rng, 0.05, constants), -128)
    return one_node(op, [int8_type(image, 0.05, zero(rng))], y, constants)


def test_channels_left_over_compute_the_reference_for_any_number_of_pixels() -> None:
    rng = np.random.default_rng(4)
    graphs = [
        layer_of(rng, (1, pixels, int(rng.integers(1, 50))), int(rng.integers(1, 8)), 1)
        for pixels in range(1, 14)
        for _ in range(3)
    ]
    agree([trial(rng, graph, "speed") for graph in graphs], "speed")


def test_dilated_convolutions_compute_the_reference() -> None:
    rng = np.random.default_rng(9)
    trials = []
    for dilation in (2, 3, 5, 9):
        for kernel in ((3, 3), (5, 5), (9, 1), (1, 3)):
            size = [int(rng.integers(1, 12)) if k > 1 else 1 for k in kernel]
            for filters in (0, 0, 5):
                image = (*size, int(rng.choice([1, 3, 8, 11])))
                graph = layer_of(rng, image, filters, dilation, kernel=kernel)
                trials.append(trial(rng, graph, "speed"))
    forms = ("ep_conv2d_", "ep_depthwise_conv2d_")
    wanted = {f"{f}dilated_s8_arm_mve" for f in forms}
    wanted |= {f"ep_depthwise_conv2d_dilated_{f}_s8_arm_mve" for f in ("three", "pairs")}
    assert {t.call.kernel for t in trials} >= wanted
    agree(trials, "speed")


def instructions(rng: Rng, graphs: list[Graph]) -> list[int]:
    results = run_on_core([trial(rng, g, "speed") for g in graphs], "cortex-m55", "speed")
    return [r.counts.instructions for r in results if r.counts]


@pytest.mark.parametrize("filters", [0, 8])
@pytest.mark.parametrize("kernel", [(9, 1), (3, 3)])
def test_dilation_takes_less_than_twice_the_instructions(
    kernel: tuple[int, int], filters: int
) -> None:
    rng = np.random.default_rng(2)
    image = (24, 24 if kernel[1] > 1 else 1, 8)
    graphs = [layer_of(rng, image, filters, d, kernel=kernel) for d in (1, 2)]
    plain, dilated = instructions(rng, graphs)
    assert dilated < 2 * plain


def test_two_channels_take_no_more_than_four() -> None:
    rng = np.random.default_rng(3)
    for depth in (3, 16, 40):
        two, four = instructions(rng, [layer_of(rng, (8, 8, depth), n, 1) for n in (2, 4)])
        assert two <= four, f"{depth} inputs"


def test_int16_sums_compute_the_reference_on_the_core() -> None:
    rng = np.random.default_rng(61)
    trials = []
    for i in range(24):
        scales = np.float32(np.exp(rng.uniform(-12, -8, 3))).tolist()
        if i % 3 == 0:
            scales[1] = scales[0]
        shape = pick(rng, 1, 9, 3)
        a, b, y = (TensorType(shape, DType.INT16, QuantParams.of(s, 0)) for s in scales)
        graph = one_node(Add(clamp(rng)), [a, b], y)
        feed = {v: values(rng, graph.types[v]) for v in graph.inputs}
        for v in feed.values():
            v.flat[:2] = (-(2**15), 2**15 - 1)[: v.size]
        calls = candidates(graph, graph.nodes[0], ("arm_mve",), "speed", "ep_layer0")
        trials += [Trial(graph, c, feed, inplace=bool(i % 2)) for c in calls]
    assert {t.call.kernel for t in trials} == {"ep_add_s16_arm_mve"}
    assert len(trials) > 12
    agree(trials, "speed")


def agree(trials: list[Trial], optimize: str) -> None:
    for t, result in zip(trials, run_on_core(trials, "cortex-m55", optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


def test_pixels_of_few_inputs_compute_the_reference_wherever_results_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conv, "FEW", 0)
    rng = np.random.default_rng(16)
    trials = []
    for in_c in range(1, 17):
        for relu in (True, False):
            image, filters = (1, int(rng.integers(1, 40)), in_c), 4 * int(rng.integers(1, 13))
            xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
            constants = layer_constants(rng, (filters, 1, 1, in_c), 0, xs)
            # scales below one half
            y = int8_type(
                (),
                4 * output_scale(rng, xs, constants),
                -128 if relu else int(rng.integers(-127, 128)),
            )
            op = Conv2d(clamp=(0.0, np.inf) if relu else None)
            graph = one_node(op, [int8_type(image, xs, zero(rng))], y, constants)
            few = candidates(graph, graph.nodes[0], ("arm_mve",), "speed", "ep_layer0")[0]
            form = f"few{8 if in_c <= 8 else 16}{'_relu' if relu else ''}"
            assert few.kernel == f"ep_conv2d_1x1_{form}_s8_arm_mve"
            feed = {"x0": int8_values(rng, image)}
            trials += [Trial(graph, few, feed, behind=k) for k in (0, 1)]
            trials.append(Trial(graph, few, feed, inplace=True))
    agree(trials, "speed")


def test_depthwise_windows_of_three_lines_compute_the_reference() -> None:
    rng = np.random.default_rng(33)
    trials = []
    for width in range(1, 30):
        for stride in (1, 2):
            depth, height = int(rng.choice([3, 8, 12])), int(rng.integers(3, 9))
            xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
            constants = layer_constants(rng, (3, 3, depth * int(rng.integers(1, 3))), 2, xs)
            pad = Padding(*pick(rng, 0, 1, 2), 1, 1)
            op = DepthwiseConv2d((stride,) * 2, pad, (1, 1), (0.0, np.inf))
            x = int8_type((max(height, width + 1), width + 1, depth), xs, zero(rng))
            y = int8_type((), output_scale(rng, xs, constants), -128)
            graph = one_node(op, [x], y, constants)
            trials.append(trial(rng, graph, "speed"))
            form = "three_" if stride == 1 else "three_strided_"
            assert trials[-1].call.kernel == f"ep_depthwise_conv2d_{form}s8_arm_mve"
    agree(trials, "speed")


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_depthwise_layers_take_what_is_estimated(optimize: str) -> None:
    rng = np.random.default_rng(46)
    trials = []
    for width in (3, 4, 7, 8, 12, 24):
        for k, stride, act in (
            (3, 1, (0.0, np.inf)), (3, 2, (0.0, np.inf)), (3, 1, (-1.0, 1.0)), (5, 1, None)
        ):  # fmt: skip
            constants = layer_constants(rng, (k, k, 20), 2, 0.05)
            y = int8_type((), output_scale(rng, 0.05, constants), -128)
            op = DepthwiseConv2d((stride,) * 2, Padding(*[k // 2] * 4), clamp=act)
            graph = one_node(op, [int8_type((width, stride * width, 20), 0.05, 9)], y, constants)
            trials.append(replace(trial(rng, graph, optimize), inplace=False))
    assert len({t.call.kernel for t in trials}) == 4
    for t, result in zip(trials, run_on_core(trials, "cortex-m55", optimize), strict=True):
        assert result.counts is not None
        off = t.call.instructions / result.counts.instructions - 1
        assert abs(off) < 0.1, f"{t.graph.nodes[0].op} on {t.graph.types['x0'].shape}: {off:.1%}"


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_int16_convolutions_compute_the_reference_on_the_core(optimize: str) -> None:
    rng = np.random.default_rng([16, len(optimize)])
    isas, trials = ("arm_mve", "arm_dsp", "portable"), []
    for _ in range(2 * TRIALS):
        graph = wide_graph(rng)
        call = candidates(graph, graph.nodes[0], isas, optimize, "ep_layer0")[0]
        if call.kernel == "ep_conv2d_s16_arm_mve":
            made = Trial(graph, call, {v: values(rng, graph.types[v]) for v in graph.inputs})
            trials.append(replace(made, inplace=made.may_lie_over and bool(rng.integers(2))))
    assert len(trials) > TRIALS
    for t, result in zip(trials, run_on_core(trials, "cortex-m55", optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))
