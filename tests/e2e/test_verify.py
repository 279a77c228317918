"""What `verify` demands: the same answers everywhere, near enough to the source model's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeprune.emit.to_tflite import emit
from edgeprune.ir import Node, TensorType, build_graph
from edgeprune.ops import Dense, Relu
from tests.e2e.conftest import Command, report_of


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small float network and samples for it."""
    rng = np.random.default_rng(0)
    constants = {
        "w1": rng.normal(size=(12, 6)).astype(np.float32),
        "b1": rng.normal(size=12).astype(np.float32),
        "w2": rng.normal(size=(3, 12)).astype(np.float32),
        "b2": rng.normal(size=3).astype(np.float32),
    }
    nodes = [
        Node("first", Dense(), ("x", "w1", "b1"), "h"),
        Node("relu", Relu(), ("h",), "r"),
        Node("second", Dense(), ("r", "w2", "b2"), "y"),
    ]
    graph = build_graph("net", nodes, {"x": TensorType((6,))}, ("y",), constants)
    folder = tmp_path_factory.mktemp("verify")
    (folder / "net.tflite").write_bytes(emit(graph))
    np.savez(folder / "x.npz", x=rng.normal(size=(100, 6)).astype(np.float32))
    return folder


@pytest.fixture
def built(home: Path, tmp_path: Path, edgeprune: Command) -> Callable[..., Path]:
    """A build of the network, or of another file, with options."""

    def make(*options: object, model: Path = home / "net.tflite") -> Path:
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        done = edgeprune("build", model, "--data", home / "x.npz", *options, "-o", out)
        assert done.status == 0, done.err
        return out

    return make


def rule(folder: Path) -> str:
    found: str = report_of(folder)["agreement"]["source"]["rule"]
    return found


def test_the_rule_follows_from_what_was_done(
    built: Callable[..., Path], edgeprune: Command
) -> None:
    float32, int8 = built("--dtype", "float32"), built("--dtype", "int8")
    again = built("--budget", "64KB", "--ram", "8KB", model=int8 / "model.tflite")
    assert (rule(float32), rule(int8), rule(again)) == ("float32", "measured", "exact")
    assert report_of(again)["agreement"]["source"]["max_relative"] == 0
    for folder in (float32, int8, again):
        done = edgeprune("verify", folder)
        assert done.status == 0, done.err


def test_answers_that_are_further_off_than_reported_do_not_verify(
    built: Callable[..., Path], edgeprune: Command
) -> None:
    out = built("--dtype", "int8")
    with np.load(out / "vectors.npz") as file:
        vectors = dict(file)
    vectors["source"][0] += 0.5
    np.savez_compressed(out / "vectors.npz", **vectors)
    done = edgeprune("verify", out)
    assert done.status == 1
    assert "FAIL answers as near the source model's as reported" in done.err


def test_a_folder_without_c_is_verified_by_what_is_there(
    built: Callable[..., Path], edgeprune: Command
) -> None:
    out = built("--dtype", "int8", "--emit", "tflite")
    assert not (out / "c").exists()
    done = edgeprune("verify", out)
    assert done.status == 0, done.err
    assert "TFLite" in done.err
    done = edgeprune("run", out, "--on", "cortex-m4")
    assert done.status == 2
    assert "is not there" in done.err


def test_a_report_that_does_not_say_how_near_is_refused(
    built: Callable[..., Path], edgeprune: Command
) -> None:
    out = built("--dtype", "float32", "--emit", "onnx")
    report = report_of(out)
    del report["agreement"]["source"]
    (out / "report.json").write_text(json.dumps(report))
    done = edgeprune("verify", out)
    assert done.status == 2
    assert "report.json: agreement: lacks source" in done.err


def test_a_folder_whose_name_looks_like_an_option_is_a_folder(
    built: Callable[..., Path], edgeprune: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = built("--dtype", "int8")
    monkeypatch.chdir(out.parent)
    out.rename("-out")
    done = edgeprune("verify", "--", "-out")
    assert done.status == 0, done.err
