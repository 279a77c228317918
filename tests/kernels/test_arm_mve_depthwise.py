"""Depthwise convolutions whose lanes are channels compute what the integer reference does."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import one_node
from kernels.layers import Rng, pick, zero
from kernels.on_core import Trial, run_on_core
from kernels.test_arm_mve import agree

from edgeprune.ir import Graph
from edgeprune.kernels.arm_mve import conv
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.costs import calibrated
from edgeprune.kernels.select import candidates
from edgeprune.ops import DepthwiseConv2d
from edgeprune.ops._window import Padding

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")


def depthwise_of(rng: Rng, image: tuple[int, ...], stride: int, pad: Padding) -> Graph:
    """A layer of 3x3 windows whose clamp is saturation, some of its weights as large as any."""
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, (3, 3, image[2]), 2, xs)
    constants["w"][0][:] = np.where(rng.integers(3, size=(3, 3, image[2])), constants["w"][0], -127)
    y = int8_type((), output_scale(rng, xs, constants), -128)
    op = DepthwiseConv2d((stride,) * 2, pad, (1, 1), (0.0, np.inf))
    return one_node(op, [int8_type(image, xs, zero(rng))], y, constants)


def of_channels(graph: Graph) -> list[KernelCall]:
    """The calls that compute sixteen channels together."""
    calls = candidates(graph, graph.nodes[0], ("arm_mve",), "speed", "ep_layer0")
    return [call for call in calls if "_channels_" in call.kernel]


def test_depthwise_channels_side_by_side_compute_the_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conv, "FEW", 0)
    rng = np.random.default_rng(35)
    trials = []
    for width in (*range(1, 14), 60, 100):
        for stride in (1, 2):
            image = (int(rng.integers(2, 9)), width + 1, int(rng.choice([1, 16, 23, 48])))
            graph = depthwise_of(rng, image, stride, Padding(*pick(rng, 0, 2, 2), 1, 2))
            feed = {"x0": int8_values(rng, image)}
            for call in of_channels(graph):
                trials += [Trial(graph, call, feed, inplace=over) for over in (False, True)]
    assert {t.call.kernel for t in trials} == {
        f"ep_depthwise_conv2d_channels_{form}s8_arm_mve" for form in ("", "strided_")
    }
    assert any(t.taken for t in trials)
    agree(trials, "speed")


def test_two_products_that_int16_does_not_hold_are_not_added_in_it() -> None:
    graph = depthwise_of(np.random.default_rng(0), (5, 5, 16), 1, Padding(1, 1, 1, 1))
    assert of_channels(graph)
    graph.constants["w"][0, 0, 3] = -128
    assert not of_channels(graph)


@pytest.mark.parametrize(("size", "stride", "most"), [(3, 1, 12), (6, 1, 10), (6, 2, 13)])
def test_depthwise_layers_on_small_maps_take_few_instructions_a_result(
    size: int, stride: int, most: int
) -> None:
    rng = np.random.default_rng(3)
    graph = depthwise_of(rng, (size, size, 64), stride, Padding(1, 1, 1, 1))
    quickest, *_ = candidates(graph, graph.nodes[0], ("arm_mve",), "speed", "ep_layer0")
    (result,) = run_on_core(
        [Trial(graph, quickest, {"x0": int8_values(rng, (size, size, 64))})], "cortex-m55"
    )
    assert result.counts is not None
    assert result.counts.instructions < most * graph.types["y"].size


def test_short_lines_and_long_ones_take_the_cycles_that_are_estimated() -> None:
    rng = np.random.default_rng(41)
    trials = []
    for image in ((10, 27, 32), (12, 3, 32), (3, 12, 32), (25, 5, 64), (24, 24, 16)):
        graph = depthwise_of(rng, image, 1, Padding(1, 1, 1, 1))
        for call in candidates(graph, graph.nodes[0], ("arm_mve",), "speed", "ep_layer0"):
            made = calibrated(call, graph, graph.nodes[0], "cortex-m55", "speed")
            trials.append(Trial(graph, made, {"x0": int8_values(rng, image)}))
    assert len({t.call.kernel for t in trials}) == 2
    for t, result in zip(trials, run_on_core(trials, "cortex-m55"), strict=True):
        assert result.counts is not None
        off = t.call.cycles / result.counts.cycles - 1
        assert abs(off) < 0.06, f"{t.call.kernel} on {t.graph.types['x0'].shape}: {off:.1%}"
