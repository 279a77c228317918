"""The C runtime compiles without a warning everywhere, and holds nothing that it should not."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeprune import __version__
from edgeprune.kernels import costs
from edgeprune.kernels.isa import COUNTED, DEFAULT, GUARDS, NEAREST, SOFT
from edgeprune.target import list_targets, load_target

ROOT = Path(__file__).parents[2] / "runtime_c"
PORTABLE = sorted((ROOT / "src").glob("*.c"))
HEADERS = sorted((ROOT / "include").glob("*.h"))

WARNINGS = (
    "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes "
    "-Wcast-qual -Wvla -Wdouble-promotion -Werror"
).split()
C_ONLY = {"-Wstrict-prototypes", "-Wmissing-prototypes"}

MEMORY = {"memcpy", "memmove", "memset"}
"""What every kernel may call; float ones may call math.h too."""


def test_every_file_says_its_licence() -> None:
    sources = [p for p in ROOT.rglob("*") if p.suffix in (".c", ".h", ".S", ".inc")]
    assert len(sources) > 200
    line = "/* SPDX-License-Identifier: Apache-2.0 */\n"
    assert not [name(p) for p in sources if not p.read_text().startswith(line)]


def test_the_runtime_is_of_the_release_of_the_package() -> None:
    macros = dict(re.findall(r"#define (EP_VERSION\w*) (\S+)", header_text("ep_status.h")))
    number = re.sub(r"\.(\d+)", lambda part: f"{int(part[1]):02}", __version__).lstrip("0")
    assert macros == {"EP_VERSION": f'"{__version__}"', "EP_VERSION_NUMBER": number}


def header_text(name: str) -> str:
    return (ROOT / "include" / name).read_text()


def test_every_family_of_processors_has_its_guard_and_its_tables() -> None:
    assert set(GUARDS) == {p.name for p in (ROOT / "arch").iterdir() if p.is_dir()}
    assert {f.stem for f in costs.FITTED.iterdir()} == set(COUNTED)
    assert {*SOFT.values(), DEFAULT} <= set(COUNTED)
    assert set(json.loads(costs.SIZES.read_text())) >= {*COUNTED, *NEAREST.values()}


def compilers() -> Iterator[tuple[str, list[str]]]:
    """Names and commands: the host's, and that of every core that can be emulated."""
    yield "gcc", ["gcc"]
    yield "clang", ["clang"]
    for target in map(load_target, list_targets()):
        if target.kind == "core" and target.toolchain and target.emulator:
            yield target.name, [f"{target.toolchain.prefix}gcc", *target.toolchain.flags]


def architectures() -> Iterator[tuple[Path, str, list[str]]]:
    """Every folder of special kernels with each core that takes kernels from it."""
    commands = dict(compilers())
    for folder in sorted(p for p in (ROOT / "arch").iterdir() if p.is_dir()):
        cores = [c for c in commands if c in list_targets() and uses(c, folder.name)]
        assert cores, f"no core takes kernels from runtime_c/arch/{folder.name}"
        yield from ((folder, core, commands[core]) for core in cores)


def uses(core: str, folder: str) -> bool:
    return folder in load_target(core).kernels


def needs(command: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.needs(command[0])


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def compile_in(folder: Path, command: list[str], standard: str, *sources: Path) -> None:
    """Compile each source to an object file in ``folder``."""
    flags = ["-O2", f"-std={standard}", *WARNINGS, f"-I{ROOT / 'include'}"]
    run = subprocess.run(
        [*command, *flags, "-c", *map(str, sources)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("command", [pytest.param(c, id=n, marks=needs(c)) for n, c in compilers()])
def test_portable_kernels_compile_without_a_warning(command: list[str], tmp_path: Path) -> None:
    compile_in(tmp_path, command, "c99", *PORTABLE)
    assert len(list(tmp_path.glob("*.o"))) == len(PORTABLE)


@pytest.mark.parametrize(
    ("folder", "command"),
    [pytest.param(f, c, id=f"{f.name}-{n}", marks=needs(c)) for f, n, c in architectures()],
)
def test_special_kernels_compile_without_a_warning(
    folder: Path, command: list[str], tmp_path: Path
) -> None:
    sources = [p for p in sorted(folder.iterdir()) if p.suffix in (".c", ".S")]
    assert sources
    compile_in(tmp_path, command, "gnu99", *sources)


@pytest.mark.needs("g++")
@pytest.mark.parametrize("header", HEADERS, ids=name)
def test_headers_stand_alone_in_c_and_in_cplusplus(header: Path) -> None:
    for command in (["gcc", "-x", "c", "-std=c99"], ["g++", "-x", "c++", "-std=c++11"]):
        warnings = [w for w in WARNINGS if command[0] == "gcc" or w not in C_ONLY]
        # Included from a file without a name: a header compiled by itself warns of other things.
        run = subprocess.run(
            [*command, *warnings, "-fsyntax-only", f"-I{ROOT / 'include'}", "-"],
            input=f'#include "{header.name}"\n',
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("source", PORTABLE, ids=name)
def test_kernels_have_no_mutable_globals_and_call_nothing_strange(
    source: Path, tmp_path: Path
) -> None:
    compile_in(tmp_path, ["gcc"], "c99", source)
    (obj,) = tmp_path.glob("*.o")
    out = subprocess.run(["nm", str(obj)], capture_output=True, text=True, check=True).stdout
    symbols = [line.split()[-2:] for line in out.splitlines()]
    assert not [n for kind, n in symbols if kind in "dDbBCsS"], "mutable data"
    defined = {n for kind, n in symbols if kind in "TRW"}
    assert defined
    assert all(n.startswith("ep_") for n in defined)
    called = {n for kind, n in symbols if kind == "U" and not n.startswith(("ep_", "_"))}
    allowed = MEMORY | math_functions(source) if "f32" in source.stem else MEMORY
    assert called <= allowed


def math_functions(source: Path) -> set[str]:
    """Single-precision functions that a source names; double ones are slow without an FPU."""
    return set(re.findall(r"\b(\w+f)\s*\(", source.read_text()))
