"""What users get wrong: one message, the contract's exit status, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeprune import bundled
from tests.e2e.conftest import Command, Outcome


def dense_model(
    path: Path,
    *,
    weights: np.ndarray | None = None,
    shape: tuple[object, ...] = (1, 4),
    names: tuple[str, str] = ("hidden", "out"),
    op: str = "Gemm",
    declared: int = 3,
) -> Path:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(5, 4)).astype(np.float32) if weights is None else weights
    v = rng.normal(size=(3, 5)).astype(np.float32)
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["h"], name=names[0], transB=1),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("Gemm", ["r", "v"], ["y"], name=names[1], transB=1)
        if op == "Gemm"
        else helper.make_node(op, ["r"], ["y"], name=names[1]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, declared])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(v, "v")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def samples(path: Path, **arrays: np.ndarray) -> Path:
    rng = np.random.default_rng(1)
    given = {"x": rng.normal(size=(60, 4)).astype(np.float32), "y": np.arange(60) % 3} | arrays
    np.savez(path, **given)
    return path


def refused(done: Outcome, tmp_path: Path, *words: str) -> None:
    assert done.status == 2, (done.status, done.err)
    assert "Traceback" not in done.err
    assert done.err.count("error:") == 1
    for word in words:
        assert word in done.err, (word, done.err)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith((".out", "out"))]


@pytest.mark.parametrize("budget", ["many", "64 parsecs", "-3KB", "0", "KB"])
def test_a_budget_that_is_no_size(edgeprune: Command, tmp_path: Path, budget: str) -> None:
    done = edgeprune("build", f"--budget={budget}", "-o", tmp_path / "out")
    refused(done, tmp_path, "--budget", "64KB")


def test_a_truncated_model(edgeprune: Command, tmp_path: Path) -> None:
    whole = bundled.model_path().read_bytes()
    model = tmp_path / "cut.onnx"
    model.write_bytes(whole[: len(whole) // 2])
    data = samples(tmp_path / "d.npz")
    refused(edgeprune("build", model, "--data", data, "-o", tmp_path / "out"), tmp_path, "cut.onnx")


def test_unsupported_operators_are_listed_at_once(edgeprune: Command, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Det", ["x"], ["a"], name="first_bad"),
        helper.make_node("Relu", ["a"], ["b"], name="fine"),
        helper.make_node("NonZero", ["b"], ["y"], name="second_bad"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, None)],
    )
    path = tmp_path / "odd.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    done = edgeprune("build", path, "--data", samples(tmp_path / "d.npz"), "-o", tmp_path / "out")
    refused(done, tmp_path, "first_bad", "second_bad")


def test_a_dynamic_batch_is_taken_as_1_and_said(edgeprune: Command, tmp_path: Path) -> None:
    model = dense_model(tmp_path / "m.onnx", shape=("batch", 4))
    out = tmp_path / "out"
    done = edgeprune("build", model, "--data", samples(tmp_path / "d.npz"), "-o", out)
    assert done.status == 0, done.err
    assert "batch" in done.err


def test_other_dynamic_dimensions_are_refused(edgeprune: Command, tmp_path: Path) -> None:
    model = dense_model(tmp_path / "m.onnx", shape=(1, "features"))
    done = edgeprune("build", model, "--data", samples(tmp_path / "d.npz"), "-o", tmp_path / "out")
    refused(done, tmp_path, "features")


def test_contradicting_shapes(edgeprune: Command, tmp_path: Path) -> None:
    model = dense_model(tmp_path / "m.onnx", weights=np.ones((5, 9), np.float32))
    done = edgeprune("build", model, "--data", samples(tmp_path / "d.npz"), "-o", tmp_path / "out")
    refused(done, tmp_path, "hidden")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers(edgeprune: Command, tmp_path: Path, bad: float) -> None:
    w = np.ones((5, 4), np.float32)
    w[2, 1] = bad
    model = dense_model(tmp_path / "m.onnx", weights=w)
    done = edgeprune("build", model, "--data", samples(tmp_path / "d.npz"), "-o", tmp_path / "out")
    refused(done, tmp_path, "w")


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"x": np.ones((60, 5), np.float32)}, "shape"),
        ({"x": np.array(["a"] * 60)}, "type"),
        ({"y": np.arange(60) % 7}, "labels"),
        ({"y": np.linspace(0, 1, 60)}, "integers"),
        ({"y": np.arange(59) % 3}, "samples"),
        ({"x": np.full((60, 4), np.nan, np.float32)}, "NaN"),
    ],
)
def test_data_that_does_not_suit_the_model(
    edgeprune: Command, tmp_path: Path, arrays: dict[str, np.ndarray], word: str
) -> None:
    model = dense_model(tmp_path / "m.onnx")
    data = samples(tmp_path / "d.npz", **arrays)
    refused(edgeprune("build", model, "--data", data, "-o", tmp_path / "out"), tmp_path, word)


def test_pickles_are_not_loaded(edgeprune: Command, tmp_path: Path) -> None:
    model = dense_model(tmp_path / "m.onnx")
    data = tmp_path / "d.npz"
    np.savez(data, x=np.array([{"a": 1}] * 4, dtype=object))
    refused(edgeprune("build", model, "--data", data, "-o", tmp_path / "out"), tmp_path, "d.npz")


def test_a_folder_that_is_not_ours_is_left_alone(edgeprune: Command, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "letter.txt").write_text("keep me")
    done = edgeprune("build", "--budget", "8KB", "-o", out)
    assert done.status == 2
    assert (out / "letter.txt").read_text() == "keep me"


def test_a_place_that_cannot_be_written(edgeprune: Command, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    done = edgeprune("build", "--budget", "8KB", "-o", blocker / "out")
    assert done.status == 2
    assert "cannot be written" in done.err


def test_evil_names_make_correct_c(edgeprune: Command, tmp_path: Path) -> None:
    evil = "*/ int evil(void){} /*"
    model = dense_model(tmp_path / "m.onnx", names=(evil, "a.b"))
    proto = onnx.load(model)
    proto.graph.node[1].name = "a_b"
    onnx.save(proto, model)
    out = tmp_path / "out"
    done = edgeprune("build", model, "--data", samples(tmp_path / "d.npz"), "-o", out)
    assert done.status == 0, done.err
    text = (out / "c" / "m.c").read_text()
    assert "*/ int evil" not in text


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeprune", "build", "--budget", "8KB", "-o", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stderr is not None
    assert "8,192" in process.stderr.readline()  # it is at work
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not [p.name for p in tmp_path.iterdir()]
