"""What estimates stand on: every source has a size, and float costs what the core makes of it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fixed_networks import NETWORKS, fixed
from kernels.cases import int8_type
from kernels.harness import one_node
from op_cases import EXAMPLES, FORMS, SIZES, Case, between_types, networks, typed

from edgeprune.compiler import Recipe
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.ir import DType, Graph, Node, Part, TensorType
from edgeprune.kernels import costs
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.isa import COUNTED
from edgeprune.kernels.select import KERNELS, candidates, lower
from edgeprune.ops import Conv2d, Dense, MatMul, Softmax
from edgeprune.ops.examples import FIXED, IMAGE, example_graph
from edgeprune.resources import runtime_dir
from edgeprune.target import list_targets, load_target
from edgeprune.verify.run_target import run

CORES = [t for t in map(load_target, list_targets()) if t.kind == "core"]


def sources(isa: str) -> list[str]:
    folder = runtime_dir() / ("src" if isa == "portable" else f"arch/{isa}")
    return sorted(f.name for f in folder.iterdir() if f.suffix in (".c", ".S"))


@pytest.mark.parametrize("core", CORES, ids=lambda t: t.name)
@pytest.mark.parametrize("optimize", ["size", "speed"])
def test_every_source_that_a_kernel_can_reach_has_a_size_on_every_core(core, optimize) -> None:
    for isa in [isa for isa in core.kernels if isa in KERNELS]:
        table = costs.size_table(core.name, optimize, isa)
        assert not [s for s in sources(isa) if s not in table], isa
        if isa == "portable":
            assert not [s for s in sources(isa) if s + costs.LIBRARY not in table]


@pytest.fixture(scope="module")
def layers() -> list[tuple[Graph, Node, Part | None]]:
    """Every case in every type, conversions, fixed networks, and parts of sums over rows."""
    graphs = [graph for _, graph in networks([*EXAMPLES, *SIZES, *FORMS])]
    graphs += [*between_types(24), *(make() for make in FIXED.values()), *map(fixed, NETWORKS)]
    found: list[tuple[Graph, Node, Part | None]] = []
    for graph, node in ((g, n) for g in graphs for n in g.nodes):
        found.append((graph, node, None))
        x, y = graph.types_of(node), graph.types[node.output]
        if node.op.sums_rows(x, y) and y.dtype is DType.INT8:
            found.append((graph, node, Part(x[0].shape[0], first=True, last=True)))
    return found


@pytest.mark.parametrize("core", COUNTED)
def test_every_kernel_that_an_operator_can_take_was_counted_on_every_core(core, layers) -> None:
    """Else it is an error to price one: `scripts/fit_costs.py --missing` counts it."""
    target, missing = load_target(core), set()
    for (graph, node, part), optimize in itertools.product(layers, ("size", "speed")):
        lines = costs.read_lines(core)[optimize]
        for made in candidates(graph, node, target.kernels, optimize, "ep_own", part=part):
            if made.kernel not in lines and not made.instance:
                missing.add((optimize, made.kernel))
    assert not missing


def call(source: str) -> KernelCall:
    return KernelCall("ep_new_s8", (source,), ("include/ep_new_s8.h",), "", (), (), ("x",))


def test_a_source_without_a_size_is_an_error_that_names_the_script() -> None:
    for source in ("src/ep_new_s8.c", "arch/riscv_p/ep_new_s8.c"):
        with pytest.raises(EdgePruneError, match=r"ep_new_s8\.c on cortex-m4") as caught:
            costs.flash_bytes([call(source)], "cortex-m4", "size")
        hint = caught.value.hint
        assert (Path(__file__).parents[2] / hint.split()[1]).is_file()


def test_a_kernel_that_was_not_counted_is_an_error_that_names_the_script() -> None:
    graph = next(between_types(4))
    with pytest.raises(
        EdgePruneError, match=r"cortex-m4\.json: has no line of ep_new_s8"
    ) as caught:
        costs.calibrated(call("src/ep_new_s8.c"), graph, graph.nodes[0], "cortex-m7", "size")
    hint = caught.value.hint
    assert (Path(__file__).parents[2] / hint.split()[1]).is_file()
    unknown = costs.calibrated(call("src/ep_new_s8.c"), graph, graph.nodes[0], "avr", "size")
    assert unknown == call("src/ep_new_s8.c")


def test_without_a_compiler_what_the_c_library_adds_is_estimated_too() -> None:
    for kind in ("exp", "sin", "log", "sqrt"):
        (graph,) = (c.graph() for c in EXAMPLES if c.op.kind == kind)
        calls = lower(graph, ("portable",), "size", "cortex-m0plus").values()
        said = costs.portable_code_bytes(calls, "cortex-m0plus", "size")
        alone = costs.size_table("cortex-m0plus", "size")[f"ep_{kind}_f32.c"]
        assert said > alone + 2000, kind


IMAGES = [
    case
    for case in EXAMPLES
    if {case.shape, *case.beside} == {IMAGE}
    and case.op.kind not in ("reshape", "slice", "resize", "transpose")
]


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16x8", "int4"])
@pytest.mark.parametrize("isa", ["portable", "arm_dsp", "arm_mve", "avr", "vector"])
def test_four_times_the_pixels_are_four_times_the_work(isa: str, dtype: str) -> None:
    """Less where borders and what is done once a layer count."""
    said: dict[tuple[str, str], list[int]] = {}
    for case, side in itertools.product(IMAGES, (24, 48)):
        image = (side, side, 4)
        try:
            graph = typed(replace(case, shape=image, beside=(image,) * len(case.beside)), dtype)
        except UnsupportedError:
            continue
        for optimize in ("speed", "size"):
            calls = candidates(graph, graph.nodes[0], (isa,), optimize, "p")
            first = {c.kernel: c for c in reversed(calls)}  # of several forms
            for kernel, call in first.items():
                place = (case.op.kind, f"{kernel} {optimize}")
                said.setdefault(place, []).append(call.instructions)
    for place, counts in said.items():
        small, large = counts
        assert 3.3 * small <= large <= 4.3 * small or small == large == 0, place


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_float_on_a_core_without_fpu_runs_portable_kernels_and_is_estimated_so(
    tmp_path: Path, core: str
) -> None:
    graph = example_graph((Conv2d(), ((8, 8, 4),), ((8, 3, 3, 4), (8,))))
    board = tmp_path / "bare.toml"
    board.write_text(f"core = '{core}'\nfpu = 'none'\nflash_bytes = 99999\nram_bytes = 99999\n")
    bare = load_target(board)
    (with_fpu,) = lower(graph, bare.kernels, "speed", core).values()
    (without,) = lower(graph, bare.kernels, "speed", core, fpu=False).values()
    assert with_fpu.isas
    assert not without.isas
    Recipe(bare, "float32", "speed", {}).compile_typed(graph).write_c(tmp_path / "c", "net")
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype(np.float32)
    counted = run(tmp_path / "c", bare, x).instructions
    assert counted is not None
    assert 0.6 < without.instructions / counted < 1.7


def test_what_attention_does_most_takes_the_quickest_kernels() -> None:
    """Products of 98 by 98 by 64 were estimated from small ones, and softmaxes computed twice."""
    target = load_target("cortex-m4")
    weights, values = (int8_type(s, 0.01, -128) for s in ((1, 98, 98), (1, 98, 64)))
    soft = TensorType((), DType.INT8, Softmax().fixed_quant(8))
    for graph, kernel in (
        (one_node(MatMul(), [weights, values], int8_type((), 0.1, 3)), "ep_matmul_s8_arm_dsp"),
        (one_node(Softmax(), [weights], soft), "ep_softmax_table_s8"),
        (one_node(Softmax(), [int8_type((10,), 0.1, 3)], soft), "ep_softmax_s8"),
    ):
        (call,) = lower(graph, target.kernels, "speed", target.name).values()
        assert call.kernel == kernel


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_dense_layer_of_rows_is_the_work_of_so_many_layers(dtype: str) -> None:
    for rows in (2, 7):
        found = []
        for shape in ((24,), (rows, 24)):
            graph = typed(Case(Dense(), shape, ((30, 24), (30,))), dtype)
            (made,) = candidates(graph, graph.nodes[0], ("portable",), "size", "p")
            found.append(made.instructions)
        assert found[1] == pytest.approx(rows * found[0], rel=0.01)
