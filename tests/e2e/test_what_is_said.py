"""What a build says beside accuracy: inputs that its scales lose, outputs that are no classes."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edgeprune import cli
from edgeprune.frontends.from_tflite import parse
from edgeprune.pipeline import notes
from edgeprune.report.words import about_outputs
from tests.e2e.conftest import Command, report_of
from tests.e2e.test_bad_input import dense_model


def test_without_labels_it_says_how_far_outputs_are_off_and_which_inputs_are_lost(
    edgeprune: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(0).normal(size=(60, 4)) * [1000, 1, 0.01, 500]
    x[:, 1] = 7  # says nothing, and so nothing of it is lost
    np.savez(tmp_path / "x.npz", x=x.astype(np.float32))
    given = (dense_model(tmp_path / "m.onnx"), "--data", tmp_path / "x.npz", "--dtype", "int8")
    done = edgeprune("build", *given, "--target", "host", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    report = report_of(tmp_path / "out")
    [note] = [n for n in report["notes"] if "are lost" in n]
    assert re.search("of 4 elements of the input '.*' 1 are lost", note)
    assert "--dtype float32" in note
    file = tmp_path / "out" / "model.tflite"
    again = edgeprune("build", file, *given[1:3], "--target", "host", "-o", tmp_path / "again")
    assert again.status == 0, again.err
    [note] = [n for n in report_of(tmp_path / "again")["notes"] if "are lost" in n]
    assert "--dtype" not in note, "a file's integers are kept, whatever is asked for"
    graph = parse(file.read_bytes(), file.name)
    assert len(notes.faint(graph, x)) == 1
    monkeypatch.setattr(notes, "elements_read", lambda *_: np.arange(4) != 2)
    assert notes.faint(graph, x) == [], "what is not read is not lost"
    source = report["agreement"]["source"]
    held = np.load(tmp_path / "out" / "vectors.npz")["source"]
    assert np.isclose(source["spread"], np.sqrt(held.var(axis=0).mean()), rtol=1e-4)
    assert source["mean_square"] ** 0.5 < 0.1 * source["spread"]
    sentence = about_outputs(report)
    assert f"vary by {source['spread']:,.0f} " in sentence
    assert sentence in " ".join(done.err.split())
    assert sentence in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("by", [1, -1])
def test_labels_that_the_model_answers_one_off_are_told(
    edgeprune: Command, tmp_path: Path, by: int
) -> None:
    found = note_of_labels(edgeprune, tmp_path, lambda said: said + by)
    assert f"y {'-' if by > 0 else '+'} 1 is what it answers for 100.0%" in found


def test_labels_that_the_model_does_not_know_are_told(edgeprune: Command, tmp_path: Path) -> None:
    assert "as in training?" in note_of_labels(edgeprune, tmp_path, lambda said: said[::-1])


@pytest.mark.parametrize("labels", ["right", "of one class"])
def test_labels_that_may_well_be_right_are_not_doubted(
    edgeprune: Command, tmp_path: Path, labels: str
) -> None:
    given = (lambda said: said) if labels == "right" else np.zeros_like
    assert note_of_labels(edgeprune, tmp_path, given) == ""


def note_of_labels(
    edgeprune: Command, tmp_path: Path, labels: Callable[[np.ndarray], np.ndarray]
) -> str:
    """What a build says of labels that are made of the model's own answers."""
    model = dense_model(tmp_path / "m.onnx")
    x = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(model)
    said = np.array([session.run(None, {"x": row[None]})[0].argmax() for row in x])
    y = labels(said)
    kept = (y >= 0) & (y < 3)
    np.savez(tmp_path / "d.npz", x=x[kept], y=y[kept])
    given = ("--data", tmp_path / "d.npz", "--dtype", "float32", "--target", "host")
    done = edgeprune("build", model, *given, "--emit", "c", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    return "".join(n for n in report_of(tmp_path / "out")["notes"] if "labelled" in n)


@pytest.mark.parametrize(
    ("kind", "more", "told"), [("u1", (), True), ("f4", (), False), ("u1", ("--std", "255"), False)]
)
def test_bytes_for_a_float_network_are_told_unless_it_is_said_what_they_are(
    edgeprune: Command, tmp_path: Path, kind: str, more: tuple[str, ...], told: bool
) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 4)).astype(kind)
    np.savez(tmp_path / "x.npz", x=x / x.max() if kind == "f4" else x)
    given = (dense_model(tmp_path / "m.onnx"), "--data", tmp_path / "x.npz", *more)
    done = edgeprune("build", *given, "--target", "host", "--emit", "c", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    assert any("give --std 255" in n for n in report_of(tmp_path / "out")["notes"]) == told


def test_a_full_disk_that_the_system_does_not_name_is_one_of_two() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT):  # what a quota leaves is full, too
        assert "TMPDIR" in str(cli._refusal(OSError(number, os.strerror(number))))
    named = str(cli._refusal(OSError(errno.ENOSPC, "No space left on device", "out/model.c")))
    assert named == "out/model.c: No space left on device"
