"""Kernels for RISC-V, two multiplications an instruction, compute the reference on such a core."""

from __future__ import annotations

import subprocess
from pathlib import Path

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
from edgeprune.kernels.riscv.conv import FOLDER, runs_of
from edgeprune.kernels.riscv.dense import in_words
from edgeprune.ops import Dense
from edgeprune.resources import runtime_dir

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


def reaching(most: int, sign: int) -> tuple[Graph, Array]:
    """A dense layer whose accumulators reach sign * most, and the sample with which they do."""
    constants = layer_constants(np.random.default_rng(5), (8, 16), 0, 0.05, per_channel=False)
    x = np.full((1, 16), 127 if sign > 0 else -128, np.int8)
    weights = np.full((8, 16), 20, np.int8)
    bias = sign * most - weights.astype(np.int32) @ x[0]
    kinds = {v: t for v, (_, t) in constants.items()}
    constants = {"w": (weights, kinds["w"]), "b": (bias.astype(np.int32), kinds["b"])}
    assert kinds["b"].quant is not None
    y = int8_type((), kinds["b"].quant.scale[0] * 2**30 / 240, -128 if sign > 0 else 127)
    return one_node(Dense(None), [int8_type((1, 16), 0.05, 0)], y, constants), x


@NEEDS
def test_a_dense_layer_may_reach_what_can_be_doubled() -> None:
    graphs, feeds = zip(*(reaching(2**30 - 1, sign) for sign in (1, -1)), strict=True)
    agree(list(graphs), list(feeds))


@pytest.mark.parametrize("sign", [1, -1])
def test_dense_layers_that_reach_more_than_can_be_doubled_are_left_to_others(sign: int) -> None:
    assert own(reaching(2**30, sign)[0], ISA) is None


HOST = """
#include "ep_dense_s8_riscv.h"
#include "ep_eights_s8_riscv.h"
void ep_eights_s8_riscv(ep_eights_riscv *e) { *e->y = 0; }
int main(void)
{
    const ep_dense_s8_params p = {.rows = 1, .in_len = 8, .out_len = 1};
    for (int v = -128; v < 128; v++) {
        int8_t x[8] = {v, v, v, v, v, v, v, v}, y;
        int32_t scratch[2];
        ep_dense_s8_riscv(&p, 0, 0, 0, 0, 0, x, scratch, &y);
        const uint32_t in_eight = 8u * 128u * (uint32_t)v;
        if ((uint32_t)scratch[0] != in_eight * 0x10001u - 0x8000u) { return 1; }
        if ((uint32_t)scratch[1] != in_eight * 0x10101u - 0x8000u) { return 1; }
    }
    return 0;
}
"""


@pytest.mark.needs("gcc")
def test_sums_of_any_eight_inputs_overflow_nowhere(tmp_path: Path) -> None:
    (tmp_path / "host.c").write_text(HOST)
    root, made = runtime_dir(), tmp_path / "host"
    folders = (f"-I{root / 'include'}", f"-I{root / FOLDER}")
    checks = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
    files = (tmp_path / "host.c", root / FOLDER / "ep_dense_s8_riscv.c")
    subprocess.run(["gcc", *checks, *folders, *files, "-o", made], check=True)
    subprocess.run([made], check=True)


def test_a_word_has_four_channels_above_zero_one_input_after_another() -> None:
    weights = np.zeros((8, 8), np.int8)
    weights[:4, 0], weights[7, 1] = (1, 2, 3, -128), 127
    words = in_words(weights).view(np.uint32)
    assert [hex(v) for v in words[:4]] == ["0x838281", "0x80808080", "0x80808080", "0xff808080"]
