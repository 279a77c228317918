"""Where small code is asked for, kernels do without the C library's memory functions.

On Arm those take hundreds of bytes, more than the kernels that call them.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from runtime_c.test_build import MEMORY, PORTABLE, ROOT, compilers, needs, uses

SMALL = [p for p in PORTABLE if not p.stem.endswith("_f32")]
CALLING = {"ep_winograd_s8_arm_dsp", "ep_mean_s8_arm_dsp"}
"""Not offered where small code is asked for; and one whose four sums, set to zero in any other way,
take more bytes where speed is asked for than memset has in newlib-nano."""
DSP = [
    p
    for p in sorted((ROOT / "arch" / "arm_dsp").glob("*.c"))
    if "_f32" not in p.stem and p.stem not in CALLING
]
CORES = {n: c for n, c in compilers() if c[0].startswith("arm-")}


@pytest.mark.parametrize(
    "command", [pytest.param(c, id=n, marks=needs(c)) for n, c in CORES.items()]
)
def test_small_code_of_integers_for_arm_calls_no_memory_function(
    command: list[str], tmp_path: Path
) -> None:
    assert not called(tmp_path, [*command, "-std=c99"], SMALL)


@pytest.mark.parametrize(
    "command",
    [pytest.param(c, id=n, marks=needs(c)) for n, c in CORES.items() if uses(n, "arm_dsp")],
)
def test_small_code_of_cores_with_dsp_calls_no_memory_function(
    command: list[str], tmp_path: Path
) -> None:
    assert not called(tmp_path, [*command, "-std=gnu99"], DSP)


def called(folder: Path, command: list[str], sources: list[Path]) -> dict[str, set[str]]:
    """By file, the memory functions that it calls where it is compiled to be small."""
    flags = ["-Os", f"-I{ROOT / 'include'}", "-c"]
    subprocess.run([*command, *flags, *map(str, sources)], cwd=folder, check=True)
    nm = f"{command[0].removesuffix('gcc')}nm"
    found = {}
    for path in sorted(folder.glob("*.o")):
        out = subprocess.run([nm, "-u", path.name], cwd=folder, capture_output=True, text=True)
        if names := MEMORY.intersection(out.stdout.split()):
            found[path.stem] = names
    return found


@pytest.mark.needs("gcc")
def test_small_copies_move_every_byte_wherever_it_lies(tmp_path: Path) -> None:
    source = (
        '#include "ep_copy_bytes.h"\n'
        "void copy(void *to, const void *from, int n) { ep_copy_bytes(to, from, (size_t)n); }\n"
    )
    (tmp_path / "copy.c").write_text(source)
    flags = [
        "-Os",
        "-D__arm__",
        "-shared",
        "-fPIC",
        f"-I{ROOT / 'include'}",
        "copy.c",
        "-o",
        "copy.so",
    ]
    subprocess.run(["gcc", *flags], cwd=tmp_path, check=True)
    copy = ctypes.CDLL(str(tmp_path / "copy.so")).copy
    data = np.arange(1, 41, dtype=np.uint8)
    for n in range(18):
        for a in range(4):
            for b in range(4):
                to = np.zeros(32, np.uint8)
                copy(ctypes.c_void_p(to.ctypes.data + a), ctypes.c_void_p(data.ctypes.data + b), n)
                wanted = np.zeros(32, np.uint8)
                wanted[a : a + n] = data[b : b + n]
                np.testing.assert_array_equal(to, wanted)
