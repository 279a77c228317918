"""The C runtime compiles without a warning everywhere, and holds nothing that it should not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "runtime_c"
PORTABLE = sorted((ROOT / "src").glob("*.c"))
HEADERS = sorted((ROOT / "include").glob("*.h"))
ARCH = sorted(p for p in (ROOT / "arch").rglob("*") if p.suffix in (".c", ".S"))

WARNINGS = (
    "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes "
    "-Wcast-qual -Wvla -Wdouble-promotion -Werror"
).split()
COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "cortex-m0plus": ["arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb"],
    "cortex-m4": "arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard".split(),
    "rv32imc": "riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32 -specs=picolibc.specs".split(),
}
ARCH_FLAGS = {
    "arm_dsp": COMPILERS["cortex-m4"],
    "arm_mve": "arm-none-eabi-gcc -mcpu=cortex-m55 -mthumb -mfloat-abi=hard".split(),
    "avr": "avr-gcc -mmcu=atmega328p".split(),
}
"""How a folder of runtime_c/arch is compiled."""

MEMORY = {"memcpy", "memmove", "memset"}
"""What every kernel may call; float ones may call math.h too."""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def compile_to(obj: Path, command: list[str], standard: str, source: Path) -> None:
    flags = ["-O2", f"-std={standard}", *WARNINGS, f"-I{ROOT / 'include'}", f"-I{source.parent}"]
    run = subprocess.run(
        [*command, *flags, "-c", str(source), "-o", str(obj)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "compiler", [pytest.param(c, marks=pytest.mark.needs(COMPILERS[c][0])) for c in COMPILERS]
)
@pytest.mark.parametrize("source", PORTABLE, ids=name)
def test_portable_kernels_compile_without_a_warning(
    source: Path, compiler: str, tmp_path: Path
) -> None:
    compile_to(tmp_path / "kernel.o", COMPILERS[compiler], "c99", source)


@pytest.mark.parametrize("source", ARCH, ids=name)
def test_kernels_of_an_architecture_compile_without_a_warning(source: Path, tmp_path: Path) -> None:
    folder = source.relative_to(ROOT / "arch").parts[0]
    assert folder in ARCH_FLAGS, f"say in ARCH_FLAGS how runtime_c/arch/{folder} is compiled"
    compile_to(tmp_path / "kernel.o", ARCH_FLAGS[folder], "gnu99", source)


@pytest.mark.needs("g++")
@pytest.mark.parametrize("header", HEADERS, ids=name)
def test_headers_stand_alone_in_c_and_in_cplusplus(header: Path) -> None:
    c, cpp = ["gcc", "-x", "c", "-std=c99"], ["g++", "-x", "c++", "-std=c++11"]
    for command in (c, cpp):
        warnings = [w for w in WARNINGS if command is c or w not in C_ONLY]
        # Through stdin: a header as the main file would warn about its own guard.
        run = subprocess.run(
            [
                *command,
                *warnings,
                "-Wno-unused-function",
                "-fsyntax-only",
                f"-I{ROOT / 'include'}",
                "-",
            ],
            input=f'#include "{header.name}"\n',
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr


C_ONLY = ("-Wstrict-prototypes", "-Wmissing-prototypes")


@pytest.mark.parametrize("source", PORTABLE, ids=name)
def test_kernels_have_no_mutable_globals_and_call_nothing_strange(
    source: Path, tmp_path: Path
) -> None:
    obj = tmp_path / "kernel.o"
    compile_to(obj, ["gcc"], "c99", source)
    out = subprocess.run(["nm", str(obj)], capture_output=True, text=True, check=True).stdout
    symbols = [line.split()[-2:] for line in out.splitlines()]
    assert not [n for kind, n in symbols if kind in "dDbBCsS"], "mutable data"
    defined = {n for kind, n in symbols if kind in "TRW"}
    assert defined
    assert all(n.startswith("ep_") for n in defined)
    called = {n for kind, n in symbols if kind == "U" and not n.startswith(("ep_", "_"))}
    if "f32" not in source.stem:
        assert called <= MEMORY
    assert called <= MEMORY | math_functions(source)


def math_functions(source: Path) -> set[str]:
    """Single-precision functions that a source names; double ones are slow without an FPU."""
    return set(re.findall(r"\b(\w+f)\s*\(", source.read_text()))
