"""Kernels for RISC-V, two multiplications an instruction, compute the reference on such a core."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import expected, one_node
from kernels.layers import (
    Rng,
    depthwise_layer,
    image_layer,
    kept_size_layer,
    other_depthwise_layer,
    pointwise_layer,
)
from kernels.on_core import Trial, run_on_core

from edgeprune.ir import Graph
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.riscv.conv import runs_of
from edgeprune.kernels.select import candidates
from edgeprune.ops import Conv2d

CORE = "rv32imc"
TRIALS = 20
FAMILIES = {
    "conv2d": image_layer,
    "pointwise": pointwise_layer,
    "kept_size": kept_size_layer,
    "depthwise": depthwise_layer,
    "other_depthwise": other_depthwise_layer,
}


def own(graph: Graph) -> KernelCall | None:
    """How a kernel of this family spells the only node."""
    calls = candidates(graph, graph.nodes[0], ("riscv",), "speed", "p")
    return calls[0] if calls else None


@pytest.mark.needs("riscv64-unknown-elf-gcc", "qemu-system-riscv32")
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("family", FAMILIES)
def test_any_layer_is_the_reference_on_the_core(family: str, optimize: str) -> None:
    rng = np.random.default_rng([6, len(optimize), *family.encode()])
    trials: list[Trial] = []
    for _ in range(5 * TRIALS):
        graph = FAMILIES[family](rng)
        call = own(graph)
        if call is not None and len(trials) < TRIALS:
            made = Trial(graph, call, {"x0": int8_values(rng, graph.types["x0"].shape)})
            trials.append(replace(made, inplace=made.may_lie_over and bool(rng.integers(4))))
    assert len(trials) > TRIALS // 4
    for t, result in zip(trials, run_on_core(trials, CORE, optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


def extremes(rng: Rng, weights: tuple[int, ...]) -> Graph:
    """A pixel of as many channels as there are weights, the same for each of five results."""
    constants = layer_constants(rng, (5, 1, 1, len(weights)), 0, 0.05)
    constants["w"] = (np.array([weights] * 5, np.int8).reshape(5, 1, 1, -1), constants["w"][1])
    y = int8_type((), output_scale(rng, 0.05, constants), 0)
    return one_node(Conv2d(), [int8_type((3, 3, len(weights)), 0.05, 0)], y, constants)


@pytest.mark.needs("riscv64-unknown-elf-gcc", "qemu-system-riscv32")
@pytest.mark.parametrize(
    "weights",
    [
        (-128, -127, 127, 127),
        (64, 64, 64, 63),
        (-64, -64, -64, -64),
        (127, -128, -128, 127, -1, 127, 0, -127),
    ],
)
def test_the_largest_sums_of_16_bits_are_taken_apart_exactly(rng: Rng, weights) -> None:
    graph = extremes(rng, weights)
    call = own(graph)
    assert call is not None
    x = rng.choice(np.array([-128, 127], np.int8), (3, 3, len(weights)))
    x[0] = -128
    (result,) = run_on_core([Trial(graph, call, {"x0": x})], CORE)
    np.testing.assert_array_equal(result.output, expected(graph, {"x0": x}))


def test_two_weights_whose_products_do_not_add_up_in_16_bits_are_left_to_others(rng: Rng) -> None:
    assert own(extremes(rng, (3, 5, -128, -128))) is None


def test_runs_end_before_fours_that_are_too_large_and_where_a_byte_ends() -> None:
    small, large = [1, -1, 127, -126], [64, -64, 64, -64]
    both = np.array([[*small, *large, *small], [*large, *small, *small]], np.int8)
    np.testing.assert_array_equal(runs_of(both), [0, 0, 1])
    np.testing.assert_array_equal(runs_of(both[:1]), [1, 1])
    np.testing.assert_array_equal(runs_of(np.array([small * 258], np.int8)), [255, 2])
