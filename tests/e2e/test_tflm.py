"""Files for TFLite Micro, whose weights of few bits are codes there too."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.conftest import Command, invoke, report_of
from tests.emit.packages import small_mlp

FEW_BITS = ("--dtype", "mixed", "--bits", "2-4", "--criterion", "l2", "--schedule", "single")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = small_mlp(tmp_path_factory.mktemp("tflm") / "net.onnx", inputs=40, hidden=60)
    x = np.random.default_rng(2).normal(size=(200, 40)).astype(np.float32)
    np.savez(path.with_suffix(".npz"), x=x)
    given = ("--data", path.with_suffix(".npz"), "--budget", 3000, *FEW_BITS)
    out = path.parent / "out"
    done = invoke("build", path, *given, "--emit", "c,tflite,tflm", "-o", out)
    assert done.status == 0, done.err
    assert "for TFLM" in done.err
    return out


def test_the_file_for_tflite_micro_is_smaller_and_agrees(edgeprune: Command, built: Path) -> None:
    report, file = report_of(built), built / "model_tflm.tflite"
    assert report["size"]["tflm_bytes"] == file.stat().st_size
    assert report["size"]["tflm_bytes"] < report["size"]["tflite_bytes"] - 500
    assert report["agreement"]["c_vs_tflm_mismatches"] == 0
    assert report["accuracy"]["tflm"] == report["accuracy"]["c"]
    verdict = edgeprune("verify", built, "--json")
    assert verdict.status == 0, verdict.err
    assert [c["passed"] for c in verdict.json["checks"] if "TFLM" in c["what"]] == [True]


def test_a_code_that_was_changed_is_found(edgeprune: Command, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(built, out)
    file = out / "model_tflm.tflite"
    content = bytearray(file.read_bytes())
    content[-200:-100] = bytes(b ^ 0x55 for b in content[-200:-100])
    file.write_bytes(content)
    verdict = edgeprune("verify", out)
    assert verdict.status != 0


def test_the_file_for_tflite_micro_is_a_model_that_is_read(
    edgeprune: Command, built: Path, tmp_path: Path
) -> None:
    files = built / "model.tflite", built / "model_tflm.tflite"
    for name, file in zip("ab", files, strict=True):
        model = tmp_path / name / "net.tflite"
        model.parent.mkdir()
        shutil.copy(file, model)
        done = edgeprune("build", model, "--emit", "tflite", "-o", tmp_path / name / "out")
        assert done.status == 0, done.err
    read = [(tmp_path / n / "out" / "model.tflite").read_bytes() for n in "ab"]
    assert len(read[0]) == len(read[1])
