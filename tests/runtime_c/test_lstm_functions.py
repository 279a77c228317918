"""The functions of ep_lstm_s8.c are those of LiteRT for every number of sixteen bits."""

from __future__ import annotations

import ctypes
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from runtime_c.test_build import ROOT
from toolchain.tiny import NEEDS_ARM

from edgeprune.ir.fixedpoint import lstm as rules
from edgeprune.target import load_target
from edgeprune.verify import run_target

SOURCE = """
#include "ep_lstm_s8.c"

void every(int bits, int *made)
{
    for (int x = -32768; x < 32768; x++) {
        *made++ = bits < 0 ? logistic(x) : hyperbolic(x, bits);
    }
}
"""


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Stops where the language has no rule for what it does."""
    folder = tmp_path_factory.mktemp("lstm")
    (folder / "every.c").write_text(SOURCE)
    flags = ["-O1", "-shared", "-fPIC", "-fsanitize=undefined,bounds", "-fno-sanitize-recover=all"]
    where = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}"]
    files = [str(ROOT / "src" / f"{name}.c") for name in ("ep_exp_reciprocal_s16", "ep_tile_s16")]
    command = ["gcc", *flags, *where, "every.c", *files, "-o", "every.so"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "every.so"))


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("bits", range(-1, 7))
def test_every_number_gives_what_the_reference_gives(functions: ctypes.CDLL, bits: int) -> None:
    """-1: the logistic function; else the integer bits of what the hyperbolic tangent takes."""
    made = np.zeros(65536, np.int32)
    functions.every(bits, ctypes.c_void_p(made.ctypes.data))
    x = np.arange(-32768, 32768, dtype=np.int64)
    wanted = rules.logistic(x) if bits < 0 else rules.tanh(x, bits)
    np.testing.assert_array_equal(made, wanted)


PART = 1024  # numbers of a call on the core
ON_CORE = f"""
#include "every.h"

#include "ep_exp_reciprocal.h"

int every_run(void *arena, size_t bytes, const int8_t *input, int8_t *output)
{{
    int32_t a = -1 - {PART} * input[1];
    (void)arena;
    (void)bytes;
    for (int32_t i = 0; i < {PART}; i++, a--) {{
        const int32_t v = ep_exp_reciprocal_s16(a, input[0]);
        *output++ = (int8_t)v;
        *output++ = (int8_t)(v >> 8);
    }}
    return 0;
}}
"""
HEADER = f"""#include <stddef.h>
#include <stdint.h>
#define EVERY_ARENA_BYTES 4u
#define EVERY_INPUT_LEN 2u
#define EVERY_OUTPUT_LEN {2 * PART}u
#define EVERY_INPUT_BYTES 2u
#define EVERY_OUTPUT_BYTES {2 * PART}u
int every_run(void *arena, size_t arena_bytes, const int8_t *input, int8_t *output);
"""


@NEEDS_ARM
def test_assembly_gives_what_the_reference_gives_for_every_number(tmp_path: Path) -> None:
    sources = [ROOT / "arch" / "arm_dsp" / "ep_exp_reciprocal_s16.S"]
    headers = [ROOT / "include" / f"ep_{name}" for name in
               ("exp_reciprocal.h", "common.h", "arm_function.inc")]  # fmt: skip
    for path in (*sources, *headers):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "every.h").write_text(HEADER)
    (tmp_path / "every.c").write_text(ON_CORE)
    manifest = {
        "name": "every", "prefix": "EVERY", "sources": ["every.c", *(p.name for p in sources)],
        "selftest": None, "input_dtype": "int8", "output_dtype": "int8", "input_shape": [2],
        "output_shape": [2 * PART], "arena_bytes": 4, "layers": ["every"], "target": "cortex-m4",
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    parts = [(bits, part) for bits in range(1, 8) for part in range(32768 // PART)]
    fed = np.array(parts, np.int8)
    made = run_target.run(tmp_path, load_target("cortex-m4"), fed).outputs
    v = np.ascontiguousarray(made).view("<i2").reshape(7, 32768).astype(np.int64)
    a = -np.arange(1, 32769, dtype=np.int64)
    for bits in range(1, 8):
        np.testing.assert_array_equal(
            np.minimum((v[bits - 1] - 8192) * 4, 32767), -rules.tanh(a, bits - 1)
        )
