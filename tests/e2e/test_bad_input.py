"""What users get wrong: one message, the contract's exit status, nothing left behind."""

from __future__ import annotations

import os
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
        ({"x": np.ones(4, np.float32)}, "x[None]"),
        ({"x": np.ones((60, 2, 3), np.float32)}, "shape"),
        ({"x": np.array(["a"] * 60)}, "type"),
        ({"y": np.arange(60) % 7}, "labels"),
        ({"y": np.arange(60) % 3 + 1}, "counted from 0: y - 1"),
        ({"y": np.arange(60) % 2 + 2}, "counted from 0: y - 1"),
        ({"y": np.arange(60) % 3 - 1}, "counted from 0: y + 1"),
        ({"y": np.array(["cat", "dog"])[np.arange(60) % 2]}, "return_inverse"),
        ({"y": np.linspace(0, 1, 60)}, "without y the"),
        ({"y": np.arange(60) % 3 / np.float32(1)}, "give y.reshape(-1).astype(int)"),
        ({"y": np.arange(60) % 2 > 0}, "give y.reshape(-1).astype(int)"),
        ({"y": np.arange(60)[:, None] % 3}, "give y.reshape(-1).astype(int)"),
        ({"y": np.eye(3)[np.arange(60) % 3]}, "give y.argmax(axis=1)"),
        ({"y": np.eye(3, dtype=int)[np.arange(60) % 3]}, "give y.argmax(axis=1)"),
        ({"y": np.full(60, np.nan)}, "without y the"),
        ({"y": np.arange(59) % 3}, "give one for each sample"),
        ({"x": np.full((60, 4), np.nan, np.float32)}, "NaN"),
        ({"x": np.full((60, 4), 1e20, np.float32)}, "squares leave float32"),
    ],
)
def test_data_that_does_not_suit_the_model(
    edgeprune: Command, tmp_path: Path, arrays: dict[str, np.ndarray], word: str
) -> None:
    model = dense_model(tmp_path / "m.onnx")
    data = samples(tmp_path / "d.npz", **arrays)
    refused(edgeprune("build", model, "--data", data, "-o", tmp_path / "out"), tmp_path, word)


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("size", [3e3, 3e4, 1e12])
def test_readings_far_from_1_are_no_mistake(
    edgeprune: Command, tmp_path: Path, size: float
) -> None:
    model = dense_model(tmp_path / "m.onnx")
    readings = np.random.default_rng(2).normal(size=(400, 4)).astype(np.float32) * np.float32(size)
    data = samples(tmp_path / "d.npz", x=readings, y=np.arange(400) % 3)
    given = ("--data", data, "--dtype", "float32", "-o", tmp_path / "out")
    done = edgeprune("build", model, *given)
    assert done.status == 0, done.err
    again = edgeprune("verify", tmp_path / "out")
    assert again.status == 0, again.err + again.out


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


def test_what_looks_like_markup_in_paths_is_shown_as_it_is(
    edgeprune: Command, tmp_path: Path
) -> None:
    model = dense_model(tmp_path / "m[bold][.onnx")
    out = tmp_path / "out[bold]x[" / "y]:smile:"
    done = edgeprune("build", model, "--data", samples(tmp_path / "d.npz"), "-o", out)
    assert done.status == 0, done.err
    for told in (done.err, edgeprune("report", out).err, edgeprune("compare", out, out).err):
        assert "[bold]" in "".join(told.split())


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


BUILD = ("build", "m.onnx", "--data", "d.npz")
WRONG: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a target that is none": (
        (*BUILD, "--target", "cortex-m99"),
        ("--target", "cortex-m7", "edgeprune targets"),
    ),
    "a profile that is not there": ((*BUILD, "--target", "gone.toml"), ("gone.toml", "targets")),
    "a profile that is no TOML": ((*BUILD, "--target", "broken.toml"), ("broken.toml", "TOML")),
    "a key that no profile has": ((*BUILD, "--target", "key.toml"), ("key.toml", "colour")),
    "a core that is none": ((*BUILD, "--target", "core.toml"), ("z80", "rv32imc")),
    "a board without flash": ((*BUILD, "--target", "bare.toml"), ("flash_bytes", "data sheet")),
    "a model that is not there": (("build", "gone.onnx", "--data", "d.npz"), ("gone.onnx",)),
    "a model of no kind": (("build", "a.txt", "--data", "d.npz"), ("a.txt", ".tflite")),
    "a pickled checkpoint": (("build", "p.pt", "--data", "d.npz"), ("p.pt", "torch.export")),
    "an empty model": (("build", "empty.onnx", "--data", "d.npz"), ("empty.onnx",)),
    "noise as a model": (("build", "noise.tflite", "--data", "d.npz"), ("noise.tflite", "TFL3")),
    "pruning without data": (("build", "m.onnx", "--budget", "8KB"), ("--data", "samples.npz")),
    "int8 without data": (("build", "m.onnx", "--dtype", "int8"), ("--data", "--random-data")),
    "a floor without data": (
        ("build", "m.onnx", "--max-drop", "1pt", "--random-data"),
        ("--data",),
    ),
    "noise beside data": ((*BUILD, "--random-data"), ("--random-data",)),
    "a sweep without data": (("sweep", "m.onnx"), ("--data",)),
    "data that are not there": (("build", "m.onnx", "--data", "gone.npz"), ("gone.npz", "labels")),
    "data as text": (("build", "m.onnx", "--data", "a.csv"), ("a.csv", ".npz")),
    "one sample": (("build", "m.onnx", "--data", "one.npz"), ("samples, 1:", "hundreds")),
    "two samples": (("build", "m.onnx", "--data", "two.npz"), ("samples, 2:",)),
    "test data of another shape": ((*BUILD, "--test", "other.npz"), ("other.npz", "shape")),
    "names for other classes": ((*BUILD, "--labels", "a,b"), ("--labels", "2 names for 3")),
    "names that are not there": ((*BUILD, "--labels", "gone.txt"), ("--labels", "gone.txt")),
    "a class that is none": ((*BUILD, "--classes", "9"), ("--classes", "0..2")),
    "a class that is no number": ((*BUILD, "--classes", "x"), ("--classes", "3,7")),
    "an accuracy above 1": ((*BUILD, "--min-accuracy", "2"), ("--min-accuracy",)),
    "a drop that is none": ((*BUILD, "--max-drop", "lots"), ("--max-drop", "0.5pt")),
    "an artifact that is none": ((*BUILD, "--emit", "c,exe"), ("--emit", "'exe'", "tflite")),
    "no artifact": ((*BUILD, "--emit", ""), ("--emit", "nothing", "tflite")),
    "artifacts without a name": ((*BUILD, "--emit", ","), ("--emit", "nothing", "tflite")),
    "packages without a name": ((*BUILD, "--package", ","), ("--package", "nothing", "zephyr")),
    "a name left out": ((*BUILD, "--package", "make,,cmake"), ("--package", "empty name")),
    "a state without a name": ((*BUILD, "--state", ""), ("--state", "nothing", "h_in:h_out")),
    "training that is none, moved": ((*BUILD, "--augment"), ("--augment", "without --finetune")),
    "a device of nothing": ((*BUILD, "--device", "cuda"), ("--device", "without --finetune")),
    "an author of nothing": ((*BUILD, "--author", "Ada"), ("--author", "without --package")),
    "activity of no class": ((*BUILD, "--zeta", "0.9"), ("--zeta", "without --classes")),
    "activity beside a limit": (
        (*BUILD, "--classes", "1", "--zeta", "0.9", "--max-drop", "1pt"),
        ("--zeta", "beside a limit"),
    ),
    "RAM of a sweep": (("sweep", "m.onnx", "--ram", "1KB"), ("--ram", "without --pareto")),
    "a target of a sweep": (
        ("sweep", "m.onnx", "--target", "host"),
        ("--target", "without --pareto"),
    ),
    "a journal of a frontier": (
        ("sweep", "m.onnx", "--pareto", "--journal", "j"),
        ("--journal", "--pareto"),
    ),
    "runs of a frontier": (("sweep", "m.onnx", "--pareto", "--runs", "7"), ("--runs", "--pareto")),
    "criteria of a frontier": (
        ("sweep", "m.onnx", "--pareto", "--criterion", "l1", "--criterion", "l2"),
        ("--criterion", "--pareto"),
    ),
    "a package that is none": ((*BUILD, "--package", "cobol"), ("--package", "'cobol'", "zephyr")),
    "a criterion that is none": ((*BUILD, "--criterion", "magic"), ("--criterion", "obs, ")),
    "a schedule that is none": ((*BUILD, "--schedule", "now"), ("--schedule", "iterative")),
    "an address that is none": (
        (*BUILD, "--package", "make", "--url", "here"),
        ("--url", "https://"),
    ),
    "a seed below 0": ((*BUILD, "--seed", "-1"), ("--seed",)),
    "a share above 1": ((*BUILD, "--zeta", "5"), ("--zeta",)),
    "no workers": ((*BUILD, "--jobs", "0"), ("--jobs",)),
    "means of other channels": ((*BUILD, "--mean", "1,2,3"), ("--mean", "3 numbers")),
    "a pipe as a model": (("build", "pipe.onnx"), ("pipe.onnx", "a device, a pipe")),
    "a model without end": (("build", "zero.tflite"), ("zero.tflite", "a device, a pipe")),
    "data without end": (("build", "m.onnx", "--data", "zero.npz"), ("zero.npz", "a device")),
    "a profile without end": ((*BUILD, "--target", "zero.toml"), ("zero.toml", "a device")),
    "names without end": ((*BUILD, "--labels", "zero.npz"), ("--labels", "a device")),
    "a journal without end": (
        ("sweep", "m.onnx", "--data", "d.npz", "--journal", "zero.npz"),
        ("zero.npz", "a device"),
    ),
    "a journal that is none": (
        ("sweep", "m.onnx", "--data", "d.npz", "--journal", "d.npz"),
        ("d.npz", "no journal"),
    ),
    "a file in the way": ((*BUILD, "-o", "a.txt"), ("a.txt", "-o")),
    "a place that is none": ((*BUILD, "-o", "/proc/nowhere/out"), ("/proc/nowhere/out",)),
    "a folder to verify that is none": (("verify", "gone"), ("gone", "edgeprune build")),
    "a report that is no JSON": (("verify", "cut"), ("cut/report.json", "JSON")),
    "a report without figures": (("compare", "hollow", "hollow"), ("hollow", "lacks", "model")),
    "a report to show without figures": (("report", "hollow"), ("hollow", "size")),
    "a folder to run without figures": (("run", "hollow"), ("hollow",)),
    "a core that is no board": (("fit", "--target", "cortex-m4"), ("--target", "boards")),
    "a sweep of nothing": (("sweep", "m.onnx", "--data", "d.npz", "--levels", "0"), ("--levels",)),
}


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good model, good data, and files that have something wrong with them."""
    folder = tmp_path_factory.mktemp("mistakes")
    dense_model(folder / "m.onnx")
    samples(folder / "d.npz")
    os.mkfifo(folder / "pipe.onnx")
    for name in ("zero.tflite", "zero.npz", "zero.toml"):
        (folder / name).symlink_to("/dev/zero")
    samples(folder / "other.npz", x=np.ones((60, 7), np.float32))
    for name, count in (("one", 1), ("two", 2)):
        samples(folder / f"{name}.npz", x=np.ones((count, 4), np.float32), y=np.zeros(count, int))
    board = 'core = "cortex-m4"\nflash_bytes = 65536\nram_bytes = 16384\n'
    texts = {
        "broken.toml": "title = ",
        "key.toml": f'{board}colour = "red"\n',
        "core.toml": board.replace("cortex-m4", "z80"),
        "bare.toml": 'core = "cortex-m4"\n',
        "a.txt": "hello",
        "a.csv": "1,2,3\n",
        "empty.onnx": "",
        "noise.tflite": "noise" * 100,
        "cut/report.json": "{",
        "hollow/report.json": '{"schema": 1}',
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "p.pt").write_bytes(b"\x80\x02}.")
    return folder


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_message_and_leaves_nothing_behind(
    edgeprune: Command,
    mistakes: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(mistakes)
    before = sorted(mistakes.rglob("*"))
    done = edgeprune(*arguments)
    assert done.status == 2, done.err
    assert done.err.lower().count("error:") == 1, done.err
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err, done.err
    assert done.out == ""
    assert sorted(mistakes.rglob("*")) == before
