"""Builds without samples: what needs none is compiled, what does is refused, nothing is scored."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeprune.frontends import load
from edgeprune.ir import Array, Graph
from edgeprune.pipeline import prepare
from edgeprune.pipeline.build import build
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import source_outputs
from edgeprune.pipeline.samples import generated
from edgeprune.report.words import about_accuracy, about_held_out, about_samples
from tests.e2e.conftest import Command, report_of
from tests.e2e.test_bad_input import dense_model, samples

HOST = ("--target", "host")  # nothing is cross compiled


@pytest.fixture(scope="module")
def int8_file(edgeprune: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 ``.tflite``."""
    folder = tmp_path_factory.mktemp("int8")
    given = (dense_model(folder / "m.onnx"), "--data", samples(folder / "d.npz"), "--dtype", "int8")
    done = edgeprune("build", *given, *HOST, "-o", folder / "out")
    assert done.status == 0, done.err
    return folder / "out" / "model.tflite"


def unmeasured(accuracy: dict[str, Any]) -> bool:
    figures = ("source", "pruned", "tflite", "onnx", "c")
    return accuracy["n"] == 0 and all(accuracy[k] is None for k in figures)


def test_an_int8_file_is_compiled_and_verified_without_data(
    edgeprune: Command, int8_file: Path, tmp_path: Path
) -> None:
    done = edgeprune("build", int8_file, *HOST, "--package", "all", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    found = report_of(tmp_path / "out")
    assert unmeasured(found["accuracy"])
    assert found["classes"] is None
    assert found["agreement"]["n"] == 1000
    assert found["agreement"]["c_vs_tflite_mismatches"] == 0
    assert found["agreement"]["source"]["rule"] == "exact"
    assert "100.00 %" not in done.err
    assert "no accuracy" in done.err
    assert edgeprune("verify", tmp_path / "out").status == 0
    assert edgeprune("report", tmp_path / "out").status == 0
    for readme in (tmp_path / "out" / "packages").rglob("README.md"):
        assert "not measured" in readme.read_text(), readme


def test_integers_without_labels_are_run_for_what_is_reported_alone(
    int8_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(graph: Graph, path: Path, x: Array) -> Array:
        asked.append(len(x))
        return source_outputs(graph, path, x)

    monkeypatch.setattr(prepare, "source_outputs", counted)
    built = build(BuildOptions(tmp_path / "out", int8_file, target="host", emit=("c",)))
    assert asked == [built.report["agreement"]["n"]]


def test_generated_integers_cover_the_whole_range_and_reals_are_normal(int8_file: Path) -> None:
    graph = load(int8_file)
    quant = graph.types[graph.inputs[0]].quant
    assert quant is not None
    scale, zero = quant.scalar
    made = np.round(generated(graph, 1000, 0).x / scale) + zero
    assert (made.min(), made.max()) == (-128, 127)
    assert abs(made.mean() + 0.5) < 5


def test_an_int8_file_that_fits_its_budget_needs_no_data_and_another_says_so(
    edgeprune: Command, int8_file: Path, tmp_path: Path
) -> None:
    fits = edgeprune("build", int8_file, *HOST, "--budget", "64KB", "-o", tmp_path / "out")
    assert fits.status == 0, fits.err
    assert report_of(tmp_path / "out")["budget"]["fits"] is True
    small = edgeprune("build", int8_file, *HOST, "--budget", "300", "-o", tmp_path / "small")
    assert small.status == 2
    assert "--data" in small.err
    assert not (tmp_path / "small").exists()


def test_test_samples_alone_are_scored(edgeprune: Command, int8_file: Path, tmp_path: Path) -> None:
    test = samples(tmp_path / "t.npz")
    done = edgeprune("build", int8_file, *HOST, "--test", test, "-o", tmp_path / "out")
    assert done.status == 0, done.err
    accuracy = report_of(tmp_path / "out")["accuracy"]
    assert (accuracy["n"], accuracy["samples"]) == (60, "test")
    assert accuracy["c"] == accuracy["source"]


def test_a_float_model_without_data_is_compiled_as_float(
    edgeprune: Command, tmp_path: Path
) -> None:
    done = edgeprune("build", dense_model(tmp_path / "m.onnx"), *HOST, "-o", tmp_path / "out")
    assert done.status == 0, done.err
    found = report_of(tmp_path / "out")
    assert found["dtype"] == "float32"
    assert unmeasured(found["accuracy"])
    assert "this is float32" in done.err


def test_random_data_stands_in_and_is_said_loudly(edgeprune: Command, tmp_path: Path) -> None:
    given = (dense_model(tmp_path / "m.onnx"), "--random-data", "--dtype", "int8", *HOST)
    done = edgeprune("build", *given, "-o", tmp_path / "out")
    assert done.status == 0, done.err
    found = report_of(tmp_path / "out")
    assert found["dtype"] == "int8"
    assert unmeasured(found["accuracy"])
    assert "NOISE" in done.err
    assert any("NOISE" in note for note in found["notes"])
    assert "NOISE" in (tmp_path / "out" / "report.html").read_text()


def test_the_report_says_what_its_accuracy_is_of(edgeprune: Command, tmp_path: Path) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), samples(tmp_path / "d.npz")
    for more, kind, told in (((), "held-out", True), (("--test", data), "test", False)):
        out = tmp_path / kind
        done = edgeprune("build", model, "--data", data, *more, *HOST, "-o", out)
        assert done.status == 0, done.err
        accuracy = json.loads((out / "report.json").read_text())["accuracy"]
        assert accuracy["samples"] == kind
        sentence = about_accuracy(accuracy)
        assert ("--test" in sentence) is told
        page = re.sub(r"</?span[^>]*>", "", (out / "report.html").read_text())
        assert about_samples(accuracy) in page
        assert about_held_out(accuracy) in page  # whose options browsers do not break
        assert sentence in " ".join(done.err.split())


def test_the_last_line_of_a_build_names_the_page(edgeprune: Command, tmp_path: Path) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), samples(tmp_path / "d.npz")
    done = edgeprune("build", model, "--data", data, *HOST, "-o", tmp_path / "out")
    assert done.err.splitlines()[-1] == f"see {tmp_path / 'out' / 'report.html'}"
