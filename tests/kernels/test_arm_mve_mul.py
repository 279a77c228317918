"""Products of int8 on Cortex-M55, of whole operands and of rows that are repeated."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values
from kernels.harness import one_node
from kernels.layers import clamp
from kernels.on_core import Trial, run_on_core
from kernels.test_arm_mve import agree

from edgeprune.ir import Graph
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.select import candidates
from edgeprune.ops import Mul

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")

NAME = "ep_mul_rows_s8_arm_mve"


def by_rows(graph: Graph) -> KernelCall | None:
    calls = candidates(graph, graph.nodes[0], ("arm_mve",), "speed", "ep_layer0")
    return next((c for c in calls if c.kernel == NAME), None)


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_every_length_of_a_row_is_the_reference(optimize: str) -> None:
    rng = np.random.default_rng([7, len(optimize)])
    trials = []
    for length in range(1, 20):
        for shapes in (
            ((3, 2, length), (1, 1, length)),
            ((1, length), (4, length)),
            ((length,), (length,)),
        ):
            a, b = (int8_type(s, 0.03, int(rng.integers(-128, 128))) for s in shapes)
            y = int8_type((), float(rng.uniform(0.002, 0.1)), int(rng.integers(-128, 128)))
            graph = one_node(Mul(clamp(rng)), [a, b], y)
            call = by_rows(graph)
            assert call is not None
            feed = {v: int8_values(rng, graph.types[v].shape) for v in graph.inputs}
            trials += [Trial(graph, call, feed, inplace=over) for over in (False, True)]
    agree(trials, optimize)


@pytest.mark.parametrize("scale", [0.51, 1.0, 64.0, 65025 / 510])
def test_halves_of_both_signs_and_the_largest_products_go_where_the_reference_sends_them(
    scale: float,
) -> None:
    every = np.arange(-128, 128, dtype=np.int8)
    trials = []
    for zeros in ((0, 0), (-128, 127), (127, 127)):
        for other in (-128, -127, -3, -1, 0, 1, 3, 127):
            a, b = (int8_type((256,), 0.5, z) for z in zeros)
            graph = one_node(Mul(), [a, b], int8_type((), scale, 5))
            call = by_rows(graph)
            assert call is not None
            feed = dict(zip(graph.inputs, (every, np.full_like(every, other)), strict=True))
            trials.append(Trial(graph, call, feed))
    agree(trials, "speed")


def test_a_constant_row_is_an_operand_too() -> None:
    rng = np.random.default_rng(8)
    x, w = int8_type((5, 7, 6), 0.05, 3), int8_type((1, 1, 6), 0.02, -5)
    y = int8_type((), 0.04, 1)
    graph = one_node(Mul(), [x], y, {"w": (int8_values(rng, w.shape), w)})
    call = by_rows(graph)
    assert call is not None
    agree([Trial(graph, call, {"x0": int8_values(rng, x.shape)})], "speed")


@pytest.mark.parametrize(
    ("shapes", "scale"),
    [
        (((4, 3, 1), (4, 3, 8)), 0.05),  # a factor for every pixel
        (((4, 1), (1, 8)), 0.05),
        (((8,), (8,)), 0.0005),  # a scale above one half
    ],
)
def test_other_products_keep_the_kernel_of_all_shapes(
    shapes: tuple[tuple[int, ...], ...], scale: float
) -> None:
    graph = one_node(Mul(), [int8_type(s, 0.03, 1) for s in shapes], int8_type((), scale, 3))
    assert by_rows(graph) is None


@pytest.mark.parametrize(("channels", "most"), [(3, 8), (8, 5), (64, 4)])
def test_products_by_channel_take_few_instructions(channels: int, most: int) -> None:
    rng = np.random.default_rng(9)
    types = [int8_type(s, 0.05, 3) for s in ((12, 12, channels), (1, 1, channels))]
    graph = one_node(Mul(), types, int8_type((), 0.07, 3))
    call = by_rows(graph)
    assert call is not None
    feed = {v: int8_values(rng, graph.types[v].shape) for v in graph.inputs}
    (result,) = run_on_core([Trial(graph, call, feed)], "cortex-m55", "speed")
    assert result.counts is not None
    assert result.counts.instructions < most * graph.types["y"].size
