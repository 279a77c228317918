"""A model for a phone: a file that is shipped, and no firmware."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from tests.e2e.conftest import Command, report_of
from tests.e2e.test_bad_input import dense_model, samples


def test_a_phone_gets_eight_bits_where_accuracy_allows_and_no_word_of_firmware(
    edgeprune: Command, tmp_path: Path
) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), tmp_path / "d.npz"
    rng = np.random.default_rng(0)
    clear = 4 * np.eye(4)[rng.integers(0, 4, 200)]  # eight bits tell these apart
    np.savez(data, x=(clear + 0.1 * rng.normal(size=(200, 4))).astype(np.float32))
    given = (model, "--data", data, "--target", "android", "--package", "android")
    done = edgeprune("build", *given, "--budget", "8KB", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    whole = edgeprune("build", *given, "-o", tmp_path / "whole")
    assert whole.status == 0, whole.err
    for folder, said in ((tmp_path / "out", done.err), (tmp_path / "whole", whole.err)):
        report = report_of(folder)
        assert report["dtype"] == "int8"
        assert report["size"]["flash_bytes"] == (folder / "model.tflite").stat().st_size
        page = (folder / "report.html").read_text()
        visible = re.sub(r"<(style|script|svg).*?</\1>", "", page, flags=re.DOTALL)
        readme = (folder / "packages" / "android" / "m" / "README.md").read_text()
        for text in (said, visible, readme):
            assert ".tflite" in text
            assert "XNNPACK" in text
            assert not re.search(r"flash|firmware|linked|stack|on the core", text, re.IGNORECASE)
    assert "8,192 bytes of the .tflite file" in done.err


def test_a_budget_that_no_file_meets_names_the_file(edgeprune: Command, tmp_path: Path) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), samples(tmp_path / "d.npz")
    given = (model, "--data", data, "--target", "android", "--budget", "200")
    done = edgeprune("build", *given, "-o", tmp_path / "out")
    assert done.status == 1
    assert "bytes of the .tflite file" in done.err
    assert not re.search("flash|RAM|stack", done.err)


def test_without_a_budget_a_float_is_built_only_where_eight_bits_cost_accuracy(
    edgeprune: Command, tmp_path: Path
) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), samples(tmp_path / "d.npz")
    given = (model, "--data", data, "--target", "host")
    done = edgeprune("build", *given, "-o", tmp_path / "out")
    assert done.status == 0, done.err
    report = report_of(tmp_path / "out")
    tried = {row["label"].split(",")[0]: row["accuracy"] for row in report["frontier"]}
    if "float32" in tried:
        assert tried["float32"] - tried["int8"] > 0.005
    else:
        assert report["dtype"] == "int8"
