"""What is doubted of samples and labels: where the source model shows that they fit, nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeprune.ir import DType, Graph, Port, Samples, TensorType
from edgeprune.pipeline.notes import doubted, few, uneven
from edgeprune.pruning.truth import Truth
from tests.e2e.conftest import invoke
from tests.e2e.test_bad_input import dense_model


def graph_of(outputs: int, port: DType = DType.FLOAT32) -> Graph:
    """A network of no node, as far as doubts look at it."""
    types = {"x": TensorType((4,)), "y": TensorType((outputs,))}
    ports = {"x": Port("x", (1, 4), dtype=port)}
    return SimpleNamespace(arguments=("x",), results=("y",), types=types, ports=ports)  # type: ignore[return-value]


def doubts(
    reference: np.ndarray,
    y: np.ndarray | None,
    *,
    x: np.ndarray | None = None,
    port: DType = DType.FLOAT32,
) -> str:
    """What is said of samples, the source model's answers to them and their labels or numbers."""
    n = len(reference)
    x = np.random.default_rng(0).normal(size=(n, 4)) if x is None else x
    samples = Samples(x.astype(np.float32), bytes=x.dtype == np.uint8)
    truth = Truth(reference.argmax(axis=1))
    if y is not None:
        y = y.astype(np.int64 if y.dtype.kind == "i" else np.float32)
        samples = replace(samples, **{"y" if y.dtype.kind == "i" else "targets": y})
        truth = Truth(y)
    given: Any = SimpleNamespace(
        graph=graph_of(reference.shape[1], port), report=samples, reference=reference, truth=truth
    )
    return " ".join(doubted(given, scaled=False))


def answers(said: np.ndarray, outputs: int) -> np.ndarray:
    """Outputs of which those are the largest."""
    return np.eye(outputs, dtype=np.float32)[said]


def some(n: int, outputs: int = 3) -> np.ndarray:
    """Labels, all of them there."""
    return np.random.default_rng(1).permutation(np.arange(n) % outputs)


def pixels(n: int, kind: str) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 4)).astype(kind)


@pytest.mark.parametrize("kind", ["u1", "i8", "f4"])
def test_whole_numbers_from_0_to_255_are_told_whatever_type_holds_them(kind: str) -> None:
    reference = answers(some(60), 3)
    assert "give --std 255" in doubts(reference, None, x=pixels(60, kind))
    assert "give --std 255" in doubts(reference, some(60) ** 0 * 2, x=pixels(60, kind))
    for x in (pixels(60, "i8") % 100 - 50, pixels(60, "f4") / 255, pixels(60, "f4") * 2):
        assert doubts(reference, None, x=x.astype("f4")) == ""
    assert doubts(reference, None, x=(pixels(60, "i8") % 12)) == "", "they may be counts"


def test_bytes_are_not_told_where_labels_or_numbers_show_that_they_fit() -> None:
    y = some(60)
    said = np.where(np.arange(60) % 5, y, 0)
    assert doubts(answers(said, 3), y, x=pixels(60, "u1")) == ""
    numbers = np.random.default_rng(2).normal(size=(60, 2))
    near = (numbers + 0.5).astype(np.float32)
    assert doubts(near, numbers, x=pixels(60, "u1")) == ""


@pytest.mark.parametrize("port", [DType.UINT8, DType.INT32])
def test_bytes_are_not_told_where_the_file_itself_takes_integers(port: DType) -> None:
    assert doubts(answers(some(60), 3), None, x=pixels(60, "u1"), port=port) == ""


@pytest.mark.parametrize("by", [1, -1])
def test_labels_that_may_be_one_off_are_so_only_where_all_of_them_can_be(by: int) -> None:
    said = some(60, 5)
    turned = doubts(answers(said, 5), (said + by) % 5)
    assert f"y {'-' if by > 0 else '+'} 1 is what it answers for 80.0%" in turned
    assert "another order" in turned
    assert "give labels so" not in turned
    kept = (said + by >= 0) & (said + by < 5)
    assert "100.0%: give labels so" in doubts(answers(said[kept], 5), said[kept] + by)


def test_labels_of_few_samples_are_not_doubted() -> None:
    y = some(60)
    assert "as in training?" in doubts(answers((y + 1) % 3, 4), y * 0 + (y > 0) * 3)
    for n, told in ((19, False), (20, True)):
        assert bool(doubts(answers(np.zeros(n, np.int64), 3), some(n) % 2 + 1)) is told


@pytest.mark.parametrize("seed", range(5))
def test_answers_that_find_most_of_a_rare_class_are_not_doubted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.arange(200) // 190
    said = np.where(rng.random(200) < 0.1, 1 - y, y)
    assert (said == y).mean() <= 0.95
    assert doubts(answers(said, 2), y) == ""
    assert doubts(answers(np.zeros_like(y), 2), y) != ""


def test_one_class_that_is_always_missed_is_doubted() -> None:
    for right in (True, False):
        y = np.full(60, 2)
        assert bool(doubts(answers(y if right else y - 1, 3), y)) is not right


def test_numbers_of_which_nothing_is_explained_are_doubted() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(60, 2))
    for reference, told in ((y * 0.9, False), (rng.normal(size=(60, 2)), True)):
        assert ("explains nothing of y" in doubts(reference.astype(np.float32), y)) is told


def test_marks_are_doubted_only_where_all_are_wrong_and_show_that_bytes_fit() -> None:
    marks = (np.arange(120).reshape(60, 2) % 3 == 0).astype(np.int64)
    samples = Samples(pixels(60, "f4"), marks=marks)
    for said, bytes_told, doubted_too in ((marks, 0, 0), (marks * 0, 1, 0), (1 - marks, 1, 1)):
        given: Any = SimpleNamespace(
            graph=graph_of(2), report=samples, reference=said.astype(np.float32), truth=Truth(marks)
        )
        notes = " ".join(doubted(given, scaled=False))
        assert ("--std 255" in notes, "nothing of y" in notes) == (bytes_told, doubted_too)


def test_samples_that_are_too_few_to_hold_any_out_are_said_to_be() -> None:
    tail = ", which tells next to nothing: give some hundred"
    chosen = "what is built is chosen by the accuracy on 1 sample"
    assert few(validation=1, report=2) == [f"{chosen} and accuracy is reported on 2 samples{tail}"]
    assert few(validation=1, report=400) == [chosen + tail]
    for validation in (400, None):
        assert few(validation, report=1) == [f"accuracy is reported on 1 sample{tail}"]
        assert few(validation, report=20) == []
    assert few(validation=20, report=20) == []


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_few_samples_are_not_said_to_choose_where_one_network_can_be_built(
    tmp_path: Path, dtype: str
) -> None:
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(20) % 3)
    given = (dense_model(tmp_path / "m.onnx"), "--data", tmp_path / "d.npz")
    said = invoke("build", *given, "--dtype", dtype, "--target", "host", "-o", tmp_path / "out")
    words = " ".join(said.err.split())
    assert "which tells next to nothing" in words
    assert ("is chosen by the accuracy" in words) is (dtype == "int8")


def test_labels_of_an_autoencoder_are_told_to_say_nothing() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    said = doubts((x + 0.1 * rng.normal(size=x.shape)).astype(np.float32), some(200, 2), x=x)
    assert "gives its input again" in said
    assert "numbered" not in said
    other = doubts(answers(some(200, 4), 4), (some(200, 4) + 1) % 4, x=x)
    assert "gives its input" not in other
    assert "as they are labelled" in other


def test_an_output_that_r2_of_all_hides_is_told_by_name() -> None:
    rng = np.random.default_rng(0)
    want = rng.normal(size=(200, 5)).astype(np.float32) * [9, 9, 9, 0.1, 0.1]
    lost = np.concatenate([want[:, :3], np.zeros((200, 2))], axis=1).astype(np.float32)
    types = {"kind": TensorType((3,)), "place": TensorType((2,))}
    graph: Any = SimpleNamespace(results=("kind", "place"), types=types, said=str.upper)
    truth = Truth(want.astype(np.float32))
    assert truth.right(lost) > 0.999
    (note,) = uneven(graph, truth, lost)
    assert "'PLACE'" in note
    assert "0.00%" in note
    assert uneven(graph, truth, truth.values) == []
    alone: Any = SimpleNamespace(results=("kind",), types=types, said=str.upper)
    assert uneven(alone, truth, lost) == []
    assert uneven(graph, Truth(want.argmax(axis=1)), lost) == []
    still = want.astype(np.float32)
    still[:, 3:] = 0.7
    said = still.copy()
    said[:, 3:] += 1e-3
    assert uneven(graph, Truth(still), said) == [], "of what never changes nothing is explained"
