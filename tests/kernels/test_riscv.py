"""Kernels for RISC-V, two multiplications an instruction, compute the reference on such a core."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import expected, one_node
from kernels.layers import Rng, clamp, zero
from kernels.on_core import Trial, run_on_core
from kernels.quads import (
    LAYERS,
    any_layer_is_the_reference,
    extremes,
    own,
    the_largest_sums_are_exact,
)

from edgeprune.ir import Array, Graph
from edgeprune.kernels.riscv.conv import runs_of
from edgeprune.kernels.riscv.dense import in_words
from edgeprune.ops import Dense

ISA, CORE = "riscv", "rv32imc"
NEEDS = pytest.mark.needs("riscv64-unknown-elf-gcc", "qemu-system-riscv32")


@NEEDS
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("layer", LAYERS)
def test_any_layer_is_the_reference_on_the_core(layer: str, optimize: str) -> None:
    any_layer_is_the_reference(layer, ISA, CORE, optimize)


@NEEDS
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
    the_largest_sums_are_exact(extremes(rng, weights, 5), rng, ISA, CORE)


def test_two_weights_whose_products_do_not_add_up_in_16_bits_are_left_to_others(rng: Rng) -> None:
    assert own(extremes(rng, (3, 5, -128, -128), 5), ISA) is None


def test_runs_end_before_fours_that_are_too_large_and_where_a_byte_ends() -> None:
    small, large = [1, -1, 127, -126], [64, -64, 64, -64]
    both = np.array([[*small, *large, *small], [*large, *small, *small]], np.int8)
    np.testing.assert_array_equal(runs_of(both), [0, 0, 1])
    np.testing.assert_array_equal(runs_of(both[:1]), [1, 1])
    np.testing.assert_array_equal(runs_of(np.array([small * 258], np.int8)), [255, 2])


def dense_layer(rng: Rng, weights: Array, rows: int = 1) -> Graph:
    """A fully connected layer of given weights (channels, inputs)."""
    n_in, xs = weights.shape[1], 0.05
    constants = layer_constants(rng, weights.shape, 0, xs)
    constants["w"] = (weights.astype(np.int8), constants["w"][1])
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(Dense(clamp(rng)), [int8_type((rows, n_in), xs, zero(rng))], y, constants)


def agree(graphs: list[Graph], feeds: list[Array], optimize: str = "speed") -> None:
    trials = []
    for graph, x in zip(graphs, feeds, strict=True):
        call = own(graph, ISA)
        assert call is not None
        assert call.kernel == "ep_dense_s8_riscv"
        trials.append(Trial(graph, call, {"x0": x}))
    for t, result in zip(trials, run_on_core(trials, CORE, optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@NEEDS
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_any_dense_layer_is_the_reference_on_the_core(optimize: str) -> None:
    rng = np.random.default_rng([9, len(optimize)])
    graphs, feeds = [], []
    for _ in range(20):
        n_in, n_out = int(rng.integers(1, 100)), int(rng.integers(1, 60))
        weights = rng.normal(0, rng.choice([3, 12, 22]), (n_out, n_in))
        weights = np.clip(np.round(weights), -127, 127)
        graph = dense_layer(rng, weights, int(rng.integers(1, 3)))
        if own(graph, ISA) is not None:
            graphs.append(graph)
            feeds.append(int8_values(rng, graph.types["x0"].shape))
    assert len(graphs) > 10
    agree(graphs, feeds, optimize)


@NEEDS
@pytest.mark.parametrize("large", [(128,), (-127, -128)])
def test_the_largest_sums_of_eight_and_of_two_are_taken_apart_exactly(rng: Rng, large) -> None:
    """Of three eights one goes by twos; every byte of a word has the largest sums once."""
    sign = rng.choice([-1, 1], (8, 1))
    eights = np.array([32, 32, 32, 32, 32, 32, 32, 31])
    weights = np.concatenate([eights * sign, eights * sign, np.zeros((8, 8))], axis=1)
    weights[:, 16 : 16 + len(large)] = [v if v < 0 else v - 1 for v in large]
    weights[:, 20] = 127
    graph = dense_layer(rng, weights)
    x = rng.choice(np.array([-128, 127], np.int8), (1, 24))
    agree([graph, graph], [x, np.full((1, 24), -128, np.int8)])


def test_dense_layers_of_two_neighbours_of_the_least_weight_are_left_to_others(rng: Rng) -> None:
    weights = np.zeros((8, 32))
    weights[5, 2:4] = -128
    assert own(dense_layer(rng, weights), ISA) is None


def test_a_word_has_four_channels_above_zero_one_input_after_another() -> None:
    weights = np.zeros((8, 8), np.int8)
    weights[:4, 0], weights[7, 1] = (1, 2, 3, -128), 127
    words = in_words(weights).view(np.uint32)
    assert [hex(v) for v in words[:4]] == ["0x838281", "0x80808080", "0x80808080", "0xff808080"]
