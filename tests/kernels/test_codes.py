"""Weights of few values are packed codes in flash, and every kernel computes the same from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import layers
from kernels.cases import (
    BOOKS,
    SEEDS,
    examples,
    int8_type,
    int8_values,
    layer_constants,
    output_scale,
)
from kernels.harness import check, expected, one_node, run_call, runtime, spell
from kernels.layers import Rng
from kernels.on_core import Trial, run_on_core
from kernels.shorts import is_short, shortened

from edgeprune.ir import Array, Codebook, DType, Graph, TensorType
from edgeprune.kernels import rescaling, stage
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.codes import CODINGS, TERNARY, Coding, coding_of, digits_of
from edgeprune.kernels.select import candidates, lower
from edgeprune.ops import Conv2d, Dense
from edgeprune.target import load_target

FAMILIES = {
    "conv2d": layers.image_layer,
    "pointwise": layers.pointwise_layer,
    "depthwise": layers.depthwise_layer,
    "other_depthwise": layers.other_depthwise_layer,
    "dense": layers.dense_layer,
    "kept_size": layers.kept_size_layer,
    "winograd": layers.winograd_layer,
}


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    """Layers of a test as the large ones that are unpacked in parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "MOST_BYTES", 150)
        patch.setattr(stage, "LEAN_BYTES", 150)
        patch.setattr(stage, "CALL_BYTES", 1)
        patch.setattr(rescaling, "CALL_BYTES", 1)
        yield


def coded(rng: Rng, graph: Graph, values: tuple[int, ...], dtype: DType = DType.INT8) -> Graph:
    """The layer with weights of few values."""
    name = graph.nodes[0].inputs[1]
    t = graph.types[name]
    w = rng.choice(np.array(values, np.int8), t.shape)
    book = Codebook(values) if dtype is DType.INT8 else None
    return replace(
        graph,
        constants={**graph.constants, name: w},
        types={**graph.types, name: TensorType(t.shape, dtype, t.quant, codebook=book)},
    )


def unpacked(coding: Coding, packed: Array, n: int, values: Array) -> Array:
    ffi, library = runtime()
    to = np.full(n + 2 * coding.group, 99, np.int8)
    table = np.zeros(coding.kinds**2, np.uint16)
    at = [ffi.cast("void *", a.ctypes.data) for a in (packed, values, table, to)]
    library.ep_pair_table_s8(at[1], coding.kinds, 0, at[2])
    getattr(library, coding.function)(at[0], n, at[2], at[3])
    groups = -(-n // coding.group) * coding.group
    assert (to[groups:] == 99).all(), "it writes no more than whole groups"
    return to[:n]


@examples(60)
@given(SEEDS, st.sampled_from([*CODINGS, TERNARY]), st.integers(1, 200))
def test_what_was_packed_is_unpacked(seed: int, coding: Coding, n: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, coding.kinds, n).astype(np.uint8)
    values = rng.integers(-128, 128, coding.kinds).astype(np.int8)
    packed = np.ascontiguousarray(coding.packed(codes))
    np.testing.assert_array_equal(unpacked(coding, packed, n, values), values[codes])


def test_all_five_ternary_codes_of_every_byte_are_told_apart() -> None:
    every = np.append(np.arange(243), 0)
    codes = np.stack(np.unravel_index(every, (3,) * 5), axis=-1).astype(np.uint8).ravel()
    packed = TERNARY.packed(codes)
    assert len(packed) == 244
    values = np.array([-7, 1, 90], np.int8)
    np.testing.assert_array_equal(unpacked(TERNARY, packed, len(codes), values), values[codes])


@pytest.mark.parametrize("kinds", range(2, 17))
def test_flash_holds_as_many_bytes_as_the_type_says(kinds: int) -> None:
    book = Codebook(tuple(range(kinds)))
    n = 240  # a whole number of groups of every width
    assert coding_of(kinds).packed(np.zeros(n, np.uint8)).nbytes == book.packed_bytes(n)


@examples(100)
@given(SEEDS, st.sampled_from(list(FAMILIES)), st.sampled_from(BOOKS), st.booleans())
def test_portable_kernels_compute_the_reference_from_codes(
    seed: int, family: str, values: tuple[int, ...], short: bool
) -> None:
    rng = np.random.default_rng(seed)
    graph = coded(rng, FAMILIES[family](rng), values)
    graph = shortened(graph) if short else graph
    check(graph, {"x0": int8_values(rng, graph.types["x0"].shape)})


def looked_up(graph: Graph) -> list[KernelCall]:
    calls = candidates(graph, graph.nodes[0], ("portable",), "size", "ep_layer0")
    return [c for c in calls if c.reads_codes]


@examples(60)
@given(SEEDS, st.integers(2, 16), st.booleans())
def test_dense_layers_look_codes_up_one_by_one(seed: int, kinds: int, short: bool) -> None:
    rng = np.random.default_rng(seed)
    values = tuple(np.sort(rng.choice(np.arange(-127, 128), kinds, replace=False)).tolist())
    graph = coded(rng, layers.dense_layer(rng), values)
    graph = shortened(graph) if short else graph
    feed = {"x0": int8_values(rng, graph.types["x0"].shape)}
    for call in looked_up(graph):
        np.testing.assert_array_equal(run_call(call, graph, feed), expected(graph, feed))


@pytest.mark.parametrize("kinds", range(2, 17))
def test_a_word_holds_as_many_codes_as_it_can(kinds: int) -> None:
    digits = digits_of(kinds)
    assert kinds**digits <= 2**32 < kinds ** (digits + 1)


def test_where_size_counts_a_small_layer_needs_no_scratch_for_its_codes() -> None:
    rng = np.random.default_rng(4)
    constants = layer_constants(rng, (40, 60), 0, 0.01, values=BOOKS[0])
    y = int8_type((), output_scale(rng, 0.01, constants), 0)
    graph = one_node(Dense(), [int8_type((60,), 0.01, 0)], y, constants)
    call = lower(graph, load_target("cortex-m4").kernels, "size")["layer"]
    assert call.reads_codes
    assert call.scratch_bytes == 0


def test_where_flash_is_read_in_a_way_of_its_own_codes_stay_there() -> None:
    """Start-up code would copy the arrays of portable kernels to RAM."""
    rng = np.random.default_rng(5)
    graph = coded(rng, layers.dense_layer(rng, eights=True), BOOKS[0])
    isas = load_target("avr").kernels
    for optimize in ("size", "speed"):
        calls = candidates(graph, graph.nodes[0], isas, optimize, "ep_layer0")
        assert {c.address_space for c in calls} == {"__flash"}


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.needs("riscv64-unknown-elf-gcc", "qemu-system-riscv32")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("core", "optimize"),
    [
        ("cortex-m4", "speed"),
        ("cortex-m33", "size"),
        ("cortex-m55", "speed"),
        ("cortex-m55", "size"),
        ("cortex-m0plus", "size"),
        ("cortex-m3", "speed"),
        ("rv32imc", "size"),
    ],
)
def test_every_kernel_computes_the_reference_from_codes_on_the_core(
    core: str, optimize: str
) -> None:
    rng, flip = (np.random.default_rng([k, len(optimize), *core.encode()]) for k in (0, 1))
    isas = load_target(core).kernels
    trials = []
    for k in range(36):
        family = list(FAMILIES)[k % len(FAMILIES)]
        values = BOOKS[int(rng.integers(len(BOOKS)))]
        graph = coded(rng, FAMILIES[family](rng), values)
        graph = shortened(graph) if k % 2 else graph
        feed = {"x0": int8_values(rng, graph.types["x0"].shape)}
        for call in candidates(graph, graph.nodes[0], isas, optimize, "ep_layer0"):
            trial = Trial(graph, call, feed)
            over = trial.may_lie_over and bool(flip.integers(2))
            trials.append(replace(trial, inplace=over))
    made = [t.call for t in trials if t.call.stage]
    assert any(c.stage and c.stage.parts > 1 for c in made)
    assert any(len(c.chain) > 1 for c in made)
    assert sum(c.stage is not None and c.stage.rescaling is not None for c in made) > 4
    for t, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        want = expected(t.graph, t.feed)
        np.testing.assert_array_equal(result.output, want, f"{t.call.function} {t.graph.nodes}")


def test_int4_weights_of_a_file_are_codes_too() -> None:
    rng = np.random.default_rng(1)
    for family in FAMILIES:
        graph = coded(rng, FAMILIES[family](rng), tuple(range(-8, 8)), DType.INT4)
        check(graph, {"x0": int8_values(rng, graph.types["x0"].shape)})


def test_a_table_without_zero_is_not_filled_up_with_it() -> None:
    """Kernels that would add zeros have no code for them; there is room for one in others."""
    rng = np.random.default_rng(3)
    for values, held in (((-9, -4, 3, 8), 4), ((-9, -4, 3, 8, 11), 6)):
        graph = coded(rng, layers.image_layer(rng, kernel=(3, 3)), values)
        call = spell(graph, "size")
        assert len(np.unique(call.constants[1].values)) == held
        assert (0 in call.constants[1].values) == (held == 6)


@examples(30)
@given(SEEDS, st.sampled_from(BOOKS))
def test_a_table_of_pairs_is_made_of_values_that_are_all_there(
    seed: int, values: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(seed)
    graph = coded(rng, FAMILIES["conv2d"](rng), values)
    for isa in ("portable", "arm_dsp"):
        for call in candidates(graph, graph.nodes[0], (isa,), "size", "ep_layer0"):
            for link in call.chain:
                if link.stage and link.stage.table:
                    (book,) = (c.values for c in link.constants if c.role == "values")
                    assert len(book) == link.stage.kinds


@pytest.mark.parametrize(("core", "each"), [("cortex-m4", 12), ("cortex-m0plus", 9)])
def test_short_scales_take_three_bytes_a_channel(core: str, each: int) -> None:
    rng = np.random.default_rng(6)
    constants = layer_constants(rng, (24, 1, 1, 5), 0, 0.02, values=BOOKS[2])
    y = int8_type((), output_scale(rng, 0.02, constants), 3)
    wide = one_node(Conv2d(), [int8_type((6, 5, 5), 0.02, -7)], y, constants)
    graph = shortened(wide)
    assert is_short(graph)
    held = []
    for g in (wide, graph):
        call = lower(g, load_target(core).kernels, "size")["layer"]
        held.append(sum(c.values.nbytes for c in call.arrays if c.role not in ("codes", "values")))
    assert held == [24 * each, 24 * 3]
