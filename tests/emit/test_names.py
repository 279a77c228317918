"""Names of models become names of files and of C."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgeprune.emit.to_c.writer import array, model_name
from edgeprune.resources import runtime_dir

PREFIXES = ("", "arm-none-eabi-", "riscv64-unknown-elf-", "avr-")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_model_is_called_like_a_header_that_its_c_includes(prefix: str) -> None:
    compiler = shutil.which(f"{prefix}gcc")
    if compiler is None:
        pytest.skip(f"needs {prefix}gcc")
    root = runtime_dir()
    picolibc = ["--specs=picolibc.specs"] if prefix.startswith("riscv") else []
    command = [compiler, *picolibc, "-M", f"-I{root / 'include'}", *sorted(root.glob("src/*.c"))]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    files = [Path(p) for p in re.findall(r"\S+\.h", listed) if str(root) not in p]
    # others are included by the name of their folder: <sys/config.h>
    headers = {p.stem for p in files if p.parent.name in ("include", "include-fixed", "newlib")}
    assert "stdint" in headers
    assert not [h for h in headers if model_name(h) == h]


def test_names_of_devices_and_of_headers_in_any_case_are_changed() -> None:
    for name in ("stdint", "String", "AUX", "com1", "math"):
        assert model_name(name) == f"m_{name}"
    assert model_name("kws") == "kws"
    assert model_name(model_name("stdint")) == "m_stdint"


def test_names_of_the_runtime_are_its_own() -> None:
    for name in ("ep", "EP", "ep_status", "Ep_Common"):
        assert model_name(name) == f"m_{name}"
    assert model_name("epic") == "epic"


@pytest.mark.parametrize(
    ("dtype", "literals"),
    [
        (np.int8, ["-128", "127"]),
        (np.uint8, ["0u", "255u"]),
        (np.int16, ["(-32767 - 1)", "32767"]),
        (np.int32, ["(-2147483647 - 1)", "2147483647"]),
    ],
)
def test_the_ends_of_every_type_are_literals_of_it(dtype: type, literals: list[str]) -> None:
    info = np.iinfo(dtype)
    text = array("x", np.array([info.min, info.max], dtype), f"{np.dtype(dtype).name}_t")
    inner = text[text.index("{") + 1 : text.index("}")]
    assert [part.strip() for part in inner.split(",")] == literals
