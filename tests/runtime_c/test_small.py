"""Where small code is asked for, portable kernels do without the C library's memory functions.

On Arm those take hundreds of bytes, more than the kernels that call them.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from runtime_c.test_build import MEMORY, PORTABLE, ROOT, compilers, needs

LARGE = {"ep_audio_features_s16_s8"}
"""Whose own code is thousands of bytes."""
SMALL = [p for p in PORTABLE if not p.stem.endswith("_f32") and p.stem not in LARGE]
CORES = {n: c for n, c in compilers() if c[0].startswith("arm-")}


@pytest.mark.parametrize(
    "command", [pytest.param(c, id=n, marks=needs(c)) for n, c in CORES.items()]
)
def test_small_code_of_integers_for_arm_calls_no_memory_function(
    command: list[str], tmp_path: Path
) -> None:
    flags = ["-Os", "-std=c99", f"-I{ROOT / 'include'}", "-c"]
    subprocess.run([*command, *flags, *map(str, SMALL)], cwd=tmp_path, check=True)
    nm = f"{command[0].removesuffix('gcc')}nm"
    called = {}
    for path in sorted(tmp_path.glob("*.o")):
        out = subprocess.run([nm, "-u", path.name], cwd=tmp_path, capture_output=True, text=True)
        found = MEMORY.intersection(out.stdout.split())
        if found:
            called[path.stem] = found
    assert not called


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
