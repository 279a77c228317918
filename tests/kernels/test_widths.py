"""Widths that fill the blocks of a kernel are told from those that do not."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.cases import int8_type, layer_constants, output_scale
from kernels.harness import one_node

from edgeprune.ir import Graph, TensorType
from edgeprune.kernels.widths import WIDER, Width, liked_width, width_costs
from edgeprune.ops import Conv2d, Dense, DepthwiseConv2d
from edgeprune.ops._window import Padding
from edgeprune.target import load_target


def dense(rng: np.random.Generator, channels: int) -> Graph:
    constants = layer_constants(rng, (channels, 64), 0, 0.05, per_channel=False)
    y = int8_type((), output_scale(rng, 0.05, constants), -3)
    return one_node(Dense(), [int8_type((64,), 0.05, 3)], y, constants)


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("channels", [1, 5, 11, 16, 31])
def test_a_liked_width_costs_no_more_than_the_one_that_is_there(core, channels, rng) -> None:
    graph = dense(rng, channels)
    kernels = load_target(core).kernels
    costs = width_costs(graph, graph.nodes[0], kernels, "speed", core)
    assert [c.channels for c in costs] == list(range(channels, channels + WIDER + 1))
    liked = liked_width(costs, 10**6)
    assert costs[liked - channels].instructions <= costs[0].instructions
    assert liked_width(costs) <= liked


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3"])
def test_three_channels_outside_of_a_block_may_as_well_be_four(core, rng) -> None:
    graph = dense(rng, 7)
    costs = width_costs(graph, graph.nodes[0], load_target(core).kernels, "speed", core)
    assert liked_width(costs, 10**6) >= 8


def test_flash_that_is_not_there_is_not_spent() -> None:
    costs = [Width(3, 900, 300), Width(4, 800, 400), Width(5, 950, 500)]
    assert (liked_width(costs, 99), liked_width(costs, 100)) == (3, 4)


def test_convolutions_of_every_element_type_have_widths(rng) -> None:
    constants = layer_constants(rng, (6, 3, 3, 4), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), -3)
    conv = Conv2d((1, 1), Padding(1, 1, 1, 1))
    graph = one_node(conv, [int8_type((5, 5, 4), 0.05, 3)], y, constants)
    assert width_costs(graph, graph.nodes[0], ("arm_dsp", "portable"), "size", "cortex-m4")
    w, b = np.ones((6, 3, 3, 4), np.float32), np.ones(6, np.float32)
    held = {"w": (w, TensorType(w.shape)), "b": (b, TensorType(b.shape))}
    graph = one_node(conv, [TensorType((5, 5, 4))], None, held)
    assert width_costs(graph, graph.nodes[0], ("portable",), "speed", "rv32imc")
    depthwise = one_node(DepthwiseConv2d(), [TensorType((5, 5, 4))], None, {
        "w": (np.ones((3, 3, 4), np.float32), TensorType((3, 3, 4))),
        "b": (np.ones(4, np.float32), TensorType((4,))),
    })  # fmt: skip
    assert width_costs(depthwise, depthwise.nodes[0], ("portable",), "speed", "rv32imc") == []
