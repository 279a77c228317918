"""Every operator alone, in every element type, for every core: its C compiles there and here."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from op_cases import EXAMPLES, LACKS, SIZES, networks
from runtime_c.test_build import WARNINGS

from edgeprune.compiler import Recipe
from edgeprune.errors import UnsupportedError
from edgeprune.ir import Graph
from edgeprune.target import Target, list_targets, load_target


@pytest.fixture(scope="module")
def graphs() -> Mapping[str, Graph]:
    return dict(networks([*EXAMPLES, *SIZES]))


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
    lacking = {
        f"{kind}_{what.removeprefix('c ')}"
        for kind, known in LACKS.items()
        for what in known
        if what.startswith("c ")
    }
    assert refused <= lacking
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
