"""Kernels of the DSP extension that hold much of a layer at once, on such a core."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import expected, one_node
from kernels.layers import Rng, clamp, image_layer, kept_size_layer, pointwise_layer
from kernels.on_core import Trial, run_on_core

from edgeprune.ir import Graph
from edgeprune.kernels.arm_dsp.block import ROOM
from edgeprune.kernels.arm_dsp.depthwise import HELD_TAPS
from edgeprune.kernels.layer import LONGEST
from edgeprune.kernels.select import candidates
from edgeprune.ops import Conv2d, Dense, DepthwiseConv2d
from edgeprune.ops._window import Padding
from edgeprune.target import load_target

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")

BLOCK = "ep_conv2d_block_s8_arm_dsp"
PLANES = "ep_depthwise_conv2d_s8_arm_dsp"
TRIALS = 24


def of_all(graph: Graph, core: str) -> list[Trial]:
    """The layer by every kernel that has it."""
    pairs = load_target(core).pairs
    calls = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0", pairs=pairs)
    feed = {"x0": int8_values(np.random.default_rng(0), graph.types["x0"].shape)}
    return [Trial(graph, c, feed) for c in calls]


def of_kernel(graph: Graph, kernel: str, core: str) -> list[Trial]:
    """The layer by a kernel, if that has it."""
    return [t for t in of_all(graph, core) if t.call.kernel == kernel]


def agree(trials: list[Trial], core: str) -> None:
    """Each computes the integer reference."""
    for t, result in zip(trials, run_on_core(trials, core, "speed"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33"])
def test_convolutions_in_blocks_compute_the_reference_on_the_core(core: str) -> None:
    rng = np.random.default_rng([21, *core.encode()])
    families = (image_layer, pointwise_layer, kept_size_layer)
    trials: list[Trial] = []
    while len(trials) < TRIALS:
        graph = families[int(rng.integers(3))](rng)
        made = of_kernel(graph, BLOCK, core)
        trials += [replace(t, inplace=t.may_lie_over and bool(rng.integers(2))) for t in made]
    params = [dict(t.call.params) for t in trials]
    assert {t.inplace for t in trials} == {True, False}
    assert {p["out_c"] % 4 for p in params} == {0, 2}, "the last two channels with two before them"
    assert {p["run"] % 4 for p in params} == {0, 1, 2, 3}
    assert {p["bordered_w"] > 0 for p in params} == {True, False}
    assert any(p["rows"] * p["out_w"] % 2 for p in params), "a pixel without a partner"
    assert any(p["rows"] < p["out_h"] for p in params), "several blocks"
    agree(trials, core)


def test_a_block_takes_no_more_than_its_room() -> None:
    rng = np.random.default_rng(4)
    taken: dict[int, list[int]] = {}
    for depth in (64, 640, 2048):
        constants = layer_constants(rng, (8, 1, 1, depth), 0, 0.05)
        w, t = constants["w"]
        narrow = np.round(rng.normal(0, 30, w.shape)).clip(-127, 127).astype(np.int8)
        constants["w"] = (narrow, t)  # sums of two channels fit beside each other
        y = int8_type((), output_scale(rng, 0.05, constants), -128)
        graph = one_node(Conv2d(), [int8_type((20, 10, depth), 0.05, -128)], y, constants)
        taken[depth] = [t.call.scratch_bytes for t in of_kernel(graph, BLOCK, "cortex-m4")]
    assert taken[64]
    assert taken[640]
    assert not taken[2048], "eight pixels of these are more than there is room"
    assert max(taken[64] + taken[640]) <= ROOM


def test_images_of_more_pixels_than_an_int16_counts_are_computed() -> None:
    rng = np.random.default_rng(6)
    x = int8_type((184, 184, 4), 0.05, 3)
    assert x.shape[0] * x.shape[1] > LONGEST
    constants = layer_constants(rng, (4, 1, 1, 4), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), -128)
    trials = of_all(one_node(Conv2d(), [x], y, constants), "cortex-m4")
    assert BLOCK in {t.call.kernel for t in trials}
    agree(trials, "cortex-m4")


def test_more_vectors_than_an_int16_counts_are_multiplied() -> None:
    rng = np.random.default_rng(7)
    x = int8_type((LONGEST + 9, 4), 0.05, 3)
    constants = layer_constants(rng, (4, 4), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), -128)
    agree(of_all(one_node(Dense(), [x], y, constants), "cortex-m4"), "cortex-m4")


def high_layer(rng: Rng) -> Graph:
    """A depthwise 3x3 layer of an image that is higher than wide."""
    height, width = int(rng.integers(12, 30)), int(rng.integers(3, 7))
    channels, pad = int(rng.integers(1, 10)), Padding(*(int(v) for v in rng.integers(0, 3, 4)))
    constants = layer_constants(rng, (3, 3, channels), 2, 0.05)
    stride = (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
    y = int8_type((), output_scale(rng, 0.05, constants), int(rng.integers(-128, 128)))
    x = int8_type((height, width, channels), 0.05, int(rng.integers(-128, 128)))
    return one_node(DepthwiseConv2d(stride, pad, clamp=clamp(rng)), [x], y, constants)


def test_depthwise_convolutions_run_down_the_columns_of_high_images() -> None:
    rng = np.random.default_rng(22)
    trials = []
    for _ in range(TRIALS):
        made = of_kernel(high_layer(rng), PLANES, "cortex-m4")
        trials += [replace(t, inplace=t.may_lie_over and bool(rng.integers(2))) for t in made]
    params = [dict(t.call.params) for t in trials]
    turned = [p["x_row"] < p["x_step"] for p in params]
    assert sum(turned) > TRIALS // 2
    assert any(t.inplace for t, down in zip(trials, turned, strict=True) if down)
    agree(trials, "cortex-m4")


def few_taps_layer(rng: Rng, kernel: tuple[int, ...]) -> Graph:
    """A depthwise layer whose windows may step over lines, of an image that needs several bands."""
    height, width = (int(n) for n in rng.integers(9, 33, 2))
    channels = int(rng.integers(1, 7))
    strides = (1, 1, 1, 2, 3) if min(kernel) == 1 else (1, 1, 2)
    stride = (int(rng.choice(strides)), int(rng.choice(strides)))
    pad = Padding(*(int(v) for v in rng.integers(0, 3, 4) * np.tile(np.array(kernel) > 1, 2)))
    dilation = (int(rng.integers(1, 3)), int(rng.integers(1, 3)) if kernel[1] == 1 else 1)
    constants = layer_constants(rng, (*kernel, channels), 2, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), int(rng.integers(-128, 128)))
    x = int8_type((height, width, channels), 0.05, int(rng.integers(-128, 128)))
    return one_node(DepthwiseConv2d(stride, pad, dilation, clamp(rng)), [x], y, constants)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33"])
def test_depthwise_convolutions_of_few_taps_compute_the_reference(core: str) -> None:
    rng = np.random.default_rng([23, *core.encode()])
    trials: list[Trial] = []
    for kernel in [*HELD_TAPS, *(taps[::-1] for taps in HELD_TAPS), (1, 4), (4, 1)]:
        for _ in range(4):
            made = of_kernel(few_taps_layer(rng, kernel), PLANES, core)
            trials += [replace(t, inplace=t.may_lie_over and bool(rng.integers(2))) for t in made]
    params = [dict(t.call.params) for t in trials]
    assert {t.inplace for t in trials} == {True, False}
    assert any(p["x_row"] < p["x_step"] and p["band_rows"] < p["out_h"] for p in params)
    assert any(p["x_step"] > p["in_c"] and p["x_row"] > p["x_step"] for p in params), "columns left"
    agree(trials, core)


def test_depthwise_convolutions_of_long_rows_and_of_many_rows_compute_the_reference() -> None:
    rng = np.random.default_rng(27)
    trials: list[Trial] = []
    for kernel, image in (((1, 3), (3, 1100, 2)), ((1, 3), (1, 1102, 4)), ((3, 3), (400, 21, 1))):
        constants = layer_constants(rng, (*kernel, image[2]), 2, 0.05)
        y = int8_type((), output_scale(rng, 0.05, constants), 3)
        pad = Padding(*(2 * [kernel[0] // 2, kernel[1] // 2]))
        graph = one_node(DepthwiseConv2d((1, 1), pad), [int8_type(image, 0.05, 3)], y, constants)
        trials += of_kernel(graph, PLANES, "cortex-m4")
    rows = [dict(t.call.params)["run"].startswith("ep_depthwise_1_3") for t in trials]
    assert any(rows), "taps in registers"
    agree(trials, "cortex-m4")


def dilated_layer(rng: Rng) -> Graph:
    """A depthwise layer whose columns part into equal phases; one row, or several bands."""
    d, multiplier, channels = (int(rng.integers(low, 4)) for low in (2, 1, 1))
    kernel = (int(rng.integers(1, 6)), int(rng.integers(2, 6)))
    keeps = bool(rng.integers(2))
    left, right = (int(n) for n in rng.integers(0, 3, 2))
    if keeps:
        multiplier, right = 1, kernel[1] - 1 - min(left, kernel[1] - 1)
        left = kernel[1] - 1 - right
    around = d * (kernel[0] - 1)
    pad = Padding(around // 2, d * left, around - around // 2, d * right)
    image = (int(rng.integers(1, 20)), d * int(rng.integers(kernel[1], 9)), channels)
    constants = layer_constants(rng, (*kernel, channels * multiplier), 2, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), int(rng.integers(-128, 128)))
    x = int8_type(image, 0.05, int(rng.integers(-128, 128)))
    return one_node(DepthwiseConv2d((1, 1), pad, (d, d), clamp(rng)), [x], y, constants)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7"])
def test_dilated_depthwise_convolutions_compute_the_reference(core: str) -> None:
    rng = np.random.default_rng([24, *core.encode()])
    trials: list[Trial] = []
    for _ in range(2 * TRIALS):
        made = of_kernel(dilated_layer(rng), PLANES, core)
        trials += [replace(t, inplace=t.may_lie_over and bool(rng.integers(4))) for t in made]
    params = [dict(t.call.params) for t in trials]
    parted = [p["in_c"] * p["multiplier"] > p["filters"] for p in params]
    assert sum(parted) > TRIALS
    assert any(t.inplace for t, several in zip(trials, parted, strict=True) if several)
    agree(trials, core)


def test_phases_of_one_channel_lie_over_their_like_or_not_at_all() -> None:
    """Four phases are read at once: those behind them must still be there, at every lead."""
    rng, d = np.random.default_rng(26), 6
    trials: list[Trial] = []
    for kernel, height, left in (((1, 3), 1, d), ((3, 2), 20, 0)):
        constants = layer_constants(rng, (*kernel, 1), 2, 0.05)
        y = int8_type((), output_scale(rng, 0.05, constants), 3)
        around = kernel[0] // 2
        op = DepthwiseConv2d((1, 1), Padding(around, left, around, d), (1, d))
        graph = one_node(op, [int8_type((height, 4 * d, 1), 0.05, 3)], y, constants)
        for t in of_kernel(graph, PLANES, "cortex-m4"):
            over = t.call.inplace
            leads = () if over is None else (0,) if over.exact else (0, 1)
            for more in leads:
                at = replace(over, lead=over.lead + more, exact=True)
                trials.append(replace(t, call=replace(t.call, inplace=at), inplace=True))
    assert any(dict(t.call.params)["in_c"] == d for t in trials)
    agree(trials, "cortex-m4")


def test_a_dilated_layer_whose_pixels_would_be_too_wide_is_computed_as_it_is() -> None:
    rng = np.random.default_rng(25)
    constants = layer_constants(rng, (1, 5, 700), 2, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), 3)
    op = DepthwiseConv2d((1, 1), Padding(0, 6, 0, 6), (1, 3))
    graph = one_node(op, [int8_type((1, 12, 700), 0.05, 3)], y, constants)
    made = of_kernel(graph, PLANES, "cortex-m4")
    assert [dict(t.call.params)["in_c"] for t in made] == [700], "two of 2,100 bytes are too far"
    agree(made, "cortex-m4")
