"""``--target aarch64``: built, run in QEMU's user mode and verified like a core."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import invoke
from tests.emit.packages import small_cnn


@pytest.mark.needs("aarch64-linux-gnu-gcc", "qemu-aarch64")
@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_an_application_processor_computes_what_the_host_does(tmp_path: Path, dtype: str) -> None:
    model, out = small_cnn(tmp_path / "net.onnx"), tmp_path / "out"
    options = f"--data {model.with_suffix('.npz')} --dtype {dtype} --target aarch64"
    done = invoke("build", model, *options.split(), "-o", out)
    assert done.status == 0, done.err
    report = json.loads((out / "report.json").read_text())
    assert report["size"]["measured"]
    assert report["agreement"]["target_vs_host_mismatches"] == 0
    assert report["run"]["instructions"] > 0
    assert report["run"]["stack_bytes"] > 0
    done = invoke("verify", out)
    assert done.status == 0, done.err
    assert "aarch64 in qemu" in done.err
