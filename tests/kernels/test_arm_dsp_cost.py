"""What kernels of arm_dsp take: instructions, and cycles where a core begins two together."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import expected, one_node
from kernels.layers import Rng
from kernels.on_core import Trial, run_on_core
from kernels.test_portable_int16 import int16_type, int16_values, wide_layer

from edgeprune.ir import Graph
from edgeprune.kernels.costs import calibrated
from edgeprune.kernels.select import candidates
from edgeprune.ops import Conv2d, Dense, DepthwiseConv2d, Sigmoid
from edgeprune.ops._window import Padding
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import Optimize

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")


def trial(rng: Rng, graph: Graph) -> Trial:
    """The first call that a Cortex-M7 has for a layer."""
    pairs = load_target("cortex-m7").pairs
    call = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0", pairs=pairs)[0]
    return Trial(graph, call, {"x0": int8_values(rng, graph.types["x0"].shape)})


def paired_trials(rng: Rng) -> dict[str, Trial]:
    """Depthwise layers, by the code that computes them on a core that pairs instructions."""
    found = {}
    for width in range(3, 19):
        for low in (None, (0.0, np.inf), (-1.0, 1.0)):
            held = layer_constants(rng, (3, 3, 6), 2, 0.05)
            y = int8_type((), output_scale(rng, 0.05, held), -7)
            op = DepthwiseConv2d((1, 1), Padding(1, 1, 1, 1), clamp=low)
            graph = one_node(op, [int8_type((5, width, 6), 0.05, 9)], y, held)
            t = trial(rng, graph)
            found[str(dict(t.call.params)["run"])] = t
    return found


def test_depthwise_layers_for_cores_that_pair_instructions_compute_the_reference() -> None:
    found = paired_trials(np.random.default_rng(15))
    assert sum(name.split("_")[-3] == "1" for name in found) > 10, "few are of the kind"
    trials = list(found.values())
    for t, result in zip(trials, run_on_core(trials, "cortex-m7"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.parametrize(("op", "shape", "most"), [
    (DepthwiseConv2d((1, 1), Padding(1, 1, 1, 1), clamp=(0.0, np.inf)), (3, 3, 16), 0.75),
    (Conv2d(clamp=(0.0, np.inf)), (16, 1, 1, 16), 0.65),
])  # fmt: skip
def test_what_ends_a_layer_begins_two_instructions_together(
    op: Conv2d | DepthwiseConv2d, shape: tuple[int, ...], most: float
) -> None:
    rng = np.random.default_rng(16)
    held = layer_constants(rng, shape, 0 if len(shape) == 4 else 2, 0.05)
    y = int8_type((), output_scale(rng, 0.05, held), -128)
    graph = one_node(op, [int8_type((24, 8, 16), 0.05, 9)], y, held)
    (result,) = run_on_core([trial(rng, graph)], "cortex-m7")
    assert result.counts is not None
    assert result.counts.cycles < most * result.counts.instructions


def depthwise_band(rng: Rng, rows: int, width: int, depth: int, optimize: Optimize) -> Trial:
    """So many rows of results of a 3x3 depthwise layer with ReLU, by the first kernel offered."""
    image = (rows + 2, width, depth)
    held = layer_constants(rng, (3, 3, depth), 2, 0.05)
    y = int8_type((), output_scale(rng, 0.05, held), -128)
    op = DepthwiseConv2d((1, 1), Padding(0, 0, 1, 1), clamp=(0.0, np.inf))
    graph = one_node(op, [int8_type(image, 0.05, -128)], y, held)
    call = candidates(graph, graph.nodes[0], ("arm_dsp",), optimize, "ep_layer0")[0]
    return Trial(graph, call, {"x0": int8_values(rng, image)})


def test_a_band_of_a_depthwise_layer_goes_from_channel_to_channel_in_few_instructions() -> None:
    band = depthwise_band(np.random.default_rng(29), 9, 5, 64, "speed")
    (result,) = run_on_core([band], "cortex-m4")
    assert result.counts is not None
    assert result.counts.instructions < 2.1 * band.graph.macs
    np.testing.assert_array_equal(result.output, expected(band.graph, band.feed))


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_depthwise_layers_of_few_elements_take_the_cycles_that_are_estimated(
    optimize: Optimize,
) -> None:
    rng = np.random.default_rng(30)
    sizes = ((2, 3, 1), (1, 4, 2), (3, 3, 3), (4, 4, 4), (9, 5, 64))
    bands = [depthwise_band(rng, *size, optimize) for size in sizes]
    estimates = [
        calibrated(b.call, b.graph, b.graph.nodes[0], "cortex-m4", optimize).cycles for b in bands
    ]
    counted = run_on_core(bands, "cortex-m4", optimize)
    taken = [r.counts.cycles for r in counted if r.counts is not None]
    off = np.array(estimates) / taken - 1
    assert np.abs(off).max() < 0.15, off


@pytest.mark.parametrize(("optimize", "most"), [("speed", (0.93, 1.0)), ("size", (1.1,))])
def test_fully_connected_layers_take_less_than_a_multiplication_each(
    optimize: Optimize, most: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(13)
    held = layer_constants(rng, (128, 128), 0, 0.05, per_channel=False)
    held = {name: (array // 2, t) for name, (array, t) in held.items()}
    y = int8_type((), output_scale(rng, 0.05, held), -1)
    graph = one_node(Dense(), [int8_type((128,), 0.05, -128)], y, held)
    calls = candidates(graph, graph.nodes[0], ("arm_dsp",), optimize, "ep_layer0")
    trials = [Trial(graph, c, {"x0": int8_values(rng, (128,))}) for c in calls]
    for result, share in zip(run_on_core(trials, "cortex-m4", optimize), most, strict=True):
        assert result.counts is not None
        assert result.counts.instructions < share * graph.macs


def test_a_convolution_in_blocks_and_what_feeds_it_stay_in_an_instruction_cache() -> None:
    rng = np.random.default_rng(19)
    held = layer_constants(rng, (64, 1, 1, 64), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, held), -128)
    op = Conv2d(clamp=(0.0, np.inf))
    graph = one_node(op, [int8_type((25, 5, 64), 0.05, -128)], y, held)
    calls = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0")
    call = next(c for c in calls if c.function == "ep_conv2d_block_s8_arm_dsp")
    feed = {"x0": int8_values(rng, (25, 5, 64))}
    (result,) = run_on_core([Trial(graph, call, feed)], "nucleo-l4r5zi")
    assert result.counts is not None
    assert result.counts.stalls < 0.03 * result.counts.cycles
    assert result.counts.cycles < 1.33 * graph.macs
    np.testing.assert_array_equal(result.output, expected(graph, feed))


def test_winograds_transforms_and_products_take_nine_tenths_of_a_cycle_a_multiplication() -> None:
    rng = np.random.default_rng(23)
    held = layer_constants(rng, (16, 3, 3, 16), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, held), -7)
    graph = one_node(
        Conv2d((1, 1), Padding(1, 1, 1, 1)), [int8_type((32, 32, 16), 0.05, 9)], y, held
    )
    calls = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0")
    call = next(c for c in calls if c.function == "ep_winograd_s8_arm_dsp")
    feed = {"x0": int8_values(rng, (32, 32, 16))}
    (result,) = run_on_core([Trial(graph, call, feed)], "nucleo-l4r5zi")
    assert result.counts is not None
    assert result.counts.cycles < 0.9 * graph.macs
    np.testing.assert_array_equal(result.output, expected(graph, feed))


def test_convolutions_of_int16_copy_rows_by_words_and_round_by_the_carry() -> None:
    rng = np.random.default_rng(17)
    held = wide_layer(rng, (16, 3, 3, 16), 0, 3e-4)
    held["b"] = (held["b"][0] // 2**20, held["b"][1])  # sums of 32 bits
    op = Conv2d((1, 1), Padding(1, 1, 1, 1), clamp=(0.0, np.inf))
    graph = one_node(op, [int16_type((16, 16, 16), 3e-4)], int16_type((), 3e-4), held)
    (call,) = candidates(graph, graph.nodes[0], ("arm_dsp", "portable"), "speed", "ep_layer0")
    feed = {"x0": int16_values(rng, (16, 16, 16))}
    (result,) = run_on_core([Trial(graph, call, feed)], "cortex-m4")
    assert result.counts is not None
    assert result.counts.instructions < 1.28 * graph.macs
    np.testing.assert_array_equal(result.output, expected(graph, feed))


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_channels_that_cannot_be_paired_are_summed_apart(optimize: Optimize) -> None:
    rng = np.random.default_rng(14)
    trials = []
    for inputs in range(8, 20):
        held = layer_constants(rng, (8, inputs), 0, 0.05, per_channel=False)
        held["w"][0][:2, inputs // 2] = -1, -128  # their common word is no pair of bytes
        y = int8_type((), output_scale(rng, 0.05, held), -1)
        graph = one_node(Dense(), [int8_type((inputs,), 0.05, 7)], y, held)
        for call in candidates(graph, graph.nodes[0], ("arm_dsp",), optimize, "ep_layer0"):
            assert call.constants[0].paired == 0
            trials.append(Trial(graph, call, {"x0": int8_values(rng, (inputs,))}))
    for t, result in zip(trials, run_on_core(trials, "cortex-m4", optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


def test_tables_are_read_by_four_elements_a_round() -> None:
    op, x = Sigmoid(), int8_type((255,), 0.05, 7)
    graph = one_node(op, [x], int8_type((), *op.fixed_quant(8).scalar))
    (call,) = candidates(graph, graph.nodes[0], ("arm_dsp", "portable"), "speed", "ep_layer0")
    feed = {"x0": int8_values(np.random.default_rng(18), (255,))}
    (result,) = run_on_core([Trial(graph, call, feed)], "cortex-m4")
    assert result.counts is not None
    assert result.counts.instructions < 3.8 * 255
    np.testing.assert_array_equal(result.output, expected(graph, feed))
