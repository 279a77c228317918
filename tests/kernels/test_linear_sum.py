"""Sums of int8 as one linear form, against the layer's own two roundings."""

from __future__ import annotations

import subprocess
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kernels.cases import examples, int8_type, int8_values
from kernels.harness import expected, one_node
from kernels.on_core import Trial, run_on_core

from edgeprune.ir import DType, QuantParams, TensorType
from edgeprune.kernels.arm_dsp._linear_sum import linear_sum
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.portable._spell import int_clamp
from edgeprune.kernels.select import candidates
from edgeprune.ops import Add, Sub
from edgeprune.resources import runtime_dir
from edgeprune.target import load_target

SCALES = st.floats(0.01, 1.0)
ZEROS = st.integers(-128, 127)
CLAMPS = st.sampled_from([None, (0.0, np.inf), (-1.0, 1.0)])


@examples(60)
@given(
    st.sampled_from([Add, Sub]),
    CLAMPS,
    st.tuples(SCALES, SCALES, SCALES),
    st.tuples(ZEROS, ZEROS, ZEROS),
)
def test_the_form_gives_what_the_layer_gives_for_every_pair(kind, clamp, scales, zeros):
    a, b, y = (QuantParams.of(s, z) for s, z in zip(scales, zeros, strict=True))
    form = linear_sum(kind(clamp), a, b, y)
    assume(form is not None)
    assert form is not None
    grid = np.indices((256, 256)).reshape(2, -1) - 128
    types = [TensorType((65536,), DType.INT8, q) for q in (a, b, y)]
    pair = (v.astype(np.int8)[None] for v in grid)
    want = kind(clamp).evaluate_int(types[:2], types[2], *pair)[0]
    first = form.a_mult * grid[0] + form.offset
    total = first + form.b_mult * grid[1]
    assert max(np.abs(first).max(), np.abs(total).max()) < 2**31
    assert 1 <= form.shift <= 31
    ends = int_clamp(clamp, types[2]).values()
    np.testing.assert_array_equal(np.clip(total >> form.shift, *ends), want)


@pytest.mark.parametrize("kind", [Add, Sub])
def test_halves_go_the_way_that_the_layer_sends_them(kind):
    half = QuantParams.of(0.5)
    assert linear_sum(kind(), half, half, QuantParams.of(1.0)) is not None


def sums(rng, count):
    """Sums and differences of some length, and what is put into them."""
    a, b = (
        int8_type((count,), s, z) for s, z in zip(rng.uniform(0.02, 0.1, 2), (5, -9), strict=True)
    )
    y = int8_type((), 0.11, int(rng.integers(-128, 128)))
    clamp = [None, (0.0, np.inf), (-1.0, 1.0)][int(rng.integers(3))]
    graph = one_node((Add, Sub)[int(rng.integers(2))](clamp), [a, b], y)
    return graph, {v: int8_values(rng, (count,)) for v in graph.inputs}


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7"])
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_every_length_is_the_reference_on_the_core(core, optimize):
    rng = np.random.default_rng([len(core), len(optimize)])
    trials = []
    for count in range(1, 26):
        graph, feed = sums(rng, count)
        (call,) = candidates(graph, graph.nodes[0], ("arm_dsp",), optimize, "ep_layer0")
        assert call.function.startswith("ep_add_linear_")
        trials.append(Trial(graph, call, feed, inplace=bool(count % 2)))
    for t, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize(("core", "most"), [("cortex-m4", 8.5), ("nucleo-h7a3zi", 5.5)])
def test_an_element_takes_few_cycles(core, most):
    rng = np.random.default_rng(1)
    a, b = int8_type((4000,), 0.05, 5), int8_type((4000,), 0.03, -9)
    graph = one_node(Add(), [a, b], int8_type((), 0.07, 3))
    (call,) = candidates(graph, graph.nodes[0], ("arm_dsp",), "speed", "ep_layer0")
    feed = {v: int8_values(rng, (4000,)) for v in graph.inputs}
    (result,) = run_on_core([Trial(graph, call, feed)], core, "speed")
    assert result.counts is not None
    assert result.counts.cycles < most * 4000


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_where_there_is_no_form_both_roundings_are_made(monkeypatch):
    kernel = import_module("edgeprune.kernels.arm_dsp.add")
    monkeypatch.setattr(kernel, "linear_sum", lambda *of: None)
    rng = np.random.default_rng(2)
    trials = []
    for count in range(1, 12):
        graph, feed = sums(rng, count)
        isas = load_target("cortex-m4").kernels
        call = candidates(graph, graph.nodes[0], isas, "speed", "ep_layer0")[0]
        assert "linear" not in call.function
        trials.append(Trial(graph, call, feed))
    for t, result in zip(trials, run_on_core(trials, "cortex-m4"), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


def code_bytes(call: KernelCall, folder: Path) -> int:
    """Of what was made for one layer."""
    names = [Path(h).name for h in call.headers]
    text = "".join(f'#include "{name}"\n' for name in names) + call.instance
    (folder / "sum.c").write_text(text)
    root, made = runtime_dir(), folder / "sum.o"
    folders = (f"-I{root / 'include'}", f"-I{root / 'arch/arm_dsp'}")
    core = ("-mcpu=cortex-m4", "-mthumb", "-Os", "-c")
    subprocess.run(["arm-none-eabi-gcc", *core, *folders, folder / "sum.c", "-o", made], check=True)
    size = ["arm-none-eabi-size", made]
    printed = subprocess.run(size, capture_output=True, text=True, check=True).stdout
    return int(printed.splitlines()[1].split()[0])


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize(("scale", "clamp"), [(0.05, (0.0, np.inf)), (0.03, (0.0, 6.0))])
def test_for_size_the_form_takes_less_code_and_fewer_instructions_than_roundings(
    monkeypatch, tmp_path, scale, clamp
):
    a, b = int8_type((400,), 0.05, 5), int8_type((400,), scale, -9)
    graph = one_node(Add(clamp), [a, b], int8_type((), 0.07, -128))
    feed = {v: int8_values(np.random.default_rng(3), (400,)) for v in graph.inputs}
    trials = []
    for find in (linear_sum, lambda *of: None):
        monkeypatch.setattr(import_module("edgeprune.kernels.arm_dsp.add"), "linear_sum", find)
        (call,) = candidates(graph, graph.nodes[0], ("arm_dsp",), "size", "ep_layer0")
        trials.append(Trial(graph, call, feed))
    form, roundings = run_on_core(trials, "cortex-m4", "size")
    assert form.counts is not None
    assert roundings.counts is not None
    assert form.counts.instructions < roundings.counts.instructions
    code, code_of_roundings = (code_bytes(t.call, tmp_path) for t in trials)
    assert code < code_of_roundings
