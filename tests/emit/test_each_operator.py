"""Every operator alone, in every element type, for every core: its C compiles there and here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from runtime_c.test_build import WARNINGS

from edgeprune.compiler import Recipe
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import DType, Graph, LinearOp
from edgeprune.ops import Add, Conv2d, Dense, Maximum, Minimum, Mul, Sub
from edgeprune.ops.examples import EXAMPLES, IMAGE, Example, example_graph
from edgeprune.quantize import quantise
from edgeprune.target import Target, list_targets, load_target

WITH_CONSTANTS: tuple[Example, ...] = tuple(
    (op, (IMAGE,), ((4,),)) for op in (Add(), Sub(), Mul(), Maximum(), Minimum())
)
WIDE: tuple[Example, ...] = (
    (Conv2d(), ((4, 4, 16),), ((16, 1, 1, 16), (16,))),
    (Conv2d(), ((8, 8, 8),), ((16, 3, 3, 8), (16,))),
    (Dense(), ((64,),), ((16, 64), (16,))),
    (Add(), ((4, 4, 16), (4, 4, 16)), ()),
)
"""Sizes that kernels for vectors take."""

WITHOUT_KERNEL = {"div_int8", "conv_transpose2d_int4"}
"""Beside some of int16; a build never makes them."""

CASES = (*EXAMPLES, *WITH_CONSTANTS, *WIDE)


def typed(example: Example, dtype: str) -> Graph:
    """An operator's network as it is emitted, with made-up ranges."""
    graph = fuse(example_graph(example))
    if dtype == "float32":
        return graph
    ranges = dict.fromkeys(graph.activations, (-2.0, 2.0))
    if dtype == "int16x8":
        return quantise(graph, ranges, DType.INT16)
    linear = [n.name for n in graph.nodes if isinstance(n.op, LinearOp)]
    return quantise(graph, ranges, narrow=linear if dtype == "int4" else ())


def networks() -> Iterator[tuple[str, Graph]]:
    """Each operator in each element type that it has, and a name for it."""
    for i, example in enumerate(CASES):
        for dtype in ("float32", "int8", "int16x8", "int4"):
            if dtype == "int4" and not isinstance(example[0], LinearOp):
                continue
            try:
                yield f"{example[0].kind}_{dtype}_{i}", typed(example, dtype)
            except EdgePruneError:
                continue


@pytest.fixture(scope="module")
def graphs() -> Mapping[str, Graph]:
    return dict(networks())


@pytest.fixture(scope="module")
def compiled_here() -> set[bytes]:
    """What the host's compiler took already: cores share most files."""
    return set()


def write_all(graphs: Mapping[str, Graph], target: Target, folder: Path) -> list[Path]:
    """The C of every network that the target takes, in one folder; the networks' own files."""
    refused = set()
    alike = replace(target, core=target.core or target.name, name="core")
    for name, graph in graphs.items():
        recipe = Recipe(alike, "float32", "speed", {}, title=name)
        try:
            recipe.compile_typed(graph).write_c(folder, name)
        except UnsupportedError:
            refused.add(name.rsplit("_", 1)[0])
    assert {name for name in refused if not name.endswith("int16x8")} <= WITHOUT_KERNEL
    return sorted(p for p in folder.glob("*.c") if p.stem in graphs)


def check_all(command: list[str], sources: list[Path]) -> None:
    done = subprocess.run(
        [*command, "-std=gnu99", "-fsyntax-only", *WARNINGS, *map(str, sources)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "command"),
    [
        pytest.param(t, [gcc, *t.toolchain.flags], id=t.name, marks=pytest.mark.needs(gcc))
        for t in map(load_target, list_targets())
        if t.kind == "core" and t.toolchain and t.emulator and (gcc := f"{t.toolchain.prefix}gcc")
    ],
)
def test_the_c_of_an_operator_alone_compiles_for_the_core_and_on_the_host(
    graphs: Mapping[str, Graph],
    compiled_here: set[bytes],
    target: Target,
    command: list[str],
    tmp_path: Path,
) -> None:
    models = write_all(graphs, target, tmp_path)
    if target.name == "avr":  # double is float there
        check_all(command, [m for m in models if "float32" not in m.name])
    else:
        check_all(command, models)
    content = {p: p.read_bytes() for p in sorted(tmp_path.glob("*.c"))}
    fresh = [p for p, c in content.items() if c not in compiled_here]
    if fresh:
        check_all(["gcc"], fresh)
    compiled_here |= set(content.values())
