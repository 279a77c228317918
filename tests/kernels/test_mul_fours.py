"""Products of int8 of one shape, four elements a round, against the layer's own roundings."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values
from kernels.harness import expected, one_node
from kernels.layers import clamp
from kernels.on_core import Trial, run_on_core

from edgeprune.kernels.select import candidates
from edgeprune.ops import Mul

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")


def fours(graph, optimize="speed"):
    """The call with the layer's constants in its code."""
    call = candidates(graph, graph.nodes[0], ("arm_dsp",), optimize, "ep_layer0")[0]
    assert call.function.startswith("ep_mul_fours_")
    return call


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7", "cortex-m33"])
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_every_length_is_the_reference_on_the_core(core, optimize):
    rng = np.random.default_rng([len(core), len(optimize)])
    trials = []
    for count in range(1, 20):
        a, b = (int8_type((count,), s, z) for s, z in ((0.02, -128), (0.05, 127 - count)))
        y = int8_type((), float(rng.uniform(0.002, 0.1)), int(rng.integers(-128, 128)))
        graph = one_node(Mul(clamp(rng)), [a, b], y)
        feed = {v: int8_values(rng, (count,)) for v in graph.inputs}
        trials.append(Trial(graph, fours(graph, optimize), feed, inplace=bool(count % 2)))
    for t, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.parametrize("scale", [0.51, 1.0, 64.0, 65025 / 510])
def test_halves_of_both_signs_and_the_largest_products_go_where_the_reference_sends_them(scale):
    every = np.arange(-128, 128, dtype=np.int8)
    trials = []
    for zeros in ((0, 0), (-128, 127), (127, 127)):
        for other in (-128, -127, -3, -1, 0, 1, 3, 127):
            a, b = (int8_type((256,), 0.5, z) for z in zeros)
            graph = one_node(Mul(), [a, b], int8_type((), scale, 5))
            feed = dict(zip(graph.inputs, (every, np.full_like(every, other)), strict=True))
            trials.append(Trial(graph, fours(graph), feed))
    for t, result in zip(trials, run_on_core(trials, "cortex-m4"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.parametrize(("core", "most"), [("cortex-m4", 10.5), ("nucleo-h7a3zi", 7.5)])
def test_an_element_takes_few_cycles(core, most):
    a, b = int8_type((4000,), 0.05, 5), int8_type((4000,), 0.03, -9)
    graph = one_node(Mul(), [a, b], int8_type((), 0.07, 3))
    rng = np.random.default_rng(1)
    feed = {v: int8_values(rng, (4000,)) for v in graph.inputs}
    (result,) = run_on_core([Trial(graph, fours(graph), feed)], core, "speed")
    assert result.counts is not None
    assert result.counts.cycles < most * 4000


def test_an_operand_that_repeats_or_is_constant_has_the_kernel_of_all_shapes():
    a, b = int8_type((3, 3, 8), 0.05, 5), int8_type((1, 1, 8), 0.03, -9)
    graph = one_node(Mul(), [a, b], int8_type((), 0.07, 3))
    (call,) = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0")
    assert call.function == "ep_mul_s8_arm_dsp"
