"""What is doubted of samples and labels: where the source model shows that they fit, nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeprune.ir import DType, Graph, Port, Samples, TensorType
from edgeprune.pipeline.notes import doubted
from edgeprune.pruning.truth import Truth


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
