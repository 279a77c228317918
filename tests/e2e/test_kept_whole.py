"""A network that cannot be pruned says what keeps its channels, whatever was asked of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune.ir import Array
from tests.e2e.conftest import invoke
from tests.onnx_models import model, node

WHY = "sums over them"


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """Command line of a model whose hidden layer feeds a softmax, and of its samples."""
    folder = tmp_path_factory.mktemp("pinned")
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    nodes = [
        node("MatMul", "x", "w", outputs=["a"], name="queries"),
        node("Softmax", "a", outputs=["b"], name="shares"),
        node("MatMul", "b", "v", name="last"),
    ]
    made = model(nodes, {"x": (1, 6)}, {"w": weights(6, 8), "v": weights(8, 4)})
    (folder / "pinned.onnx").write_bytes(made)
    np.savez(folder / "d.npz", x=weights(60, 6), y=rng.integers(0, 4, 60))
    return [folder / "pinned.onnx", "--data", folder / "d.npz"]


@pytest.mark.parametrize("criterion", ["obs", "l1"])
def test_a_budget_that_cannot_be_met(pinned: list[object], criterion: str, tmp_path: Path) -> None:
    asked = ["--budget", "400", "--dtype", "int8", "--criterion", criterion]
    result = invoke("build", *pinned, *asked, "-o", tmp_path / "o")
    assert result.status == 1
    assert f"no channel can go of queries: shares {WHY}" in result.err


def test_a_build_says_so_in_its_summary_and_report(pinned: list[object], tmp_path: Path) -> None:
    asked = ["--max-neurons", "4", "--dtype", "int8", "--criterion", "l1", "--json"]
    result = invoke("build", *pinned, *asked, "-o", tmp_path / "o")
    assert result.status == 0, result.err
    assert f"kept whole   queries: shares {WHY}" in result.err
    assert result.json["kept_whole"]["queries"] == f"shares {WHY}"


def test_a_census_without_neurons(pinned: list[object], tmp_path: Path) -> None:
    result = invoke("analyze", *pinned, "--no-pictures", "-o", tmp_path / "o")
    assert result.status == 0, result.err
    assert f"no channel can go of queries: shares {WHY}" in result.err
    assert f"queries: shares {WHY}" in (tmp_path / "o" / "analysis.html").read_text()


def test_a_sweep_over_nothing_is_refused(pinned: list[object], tmp_path: Path) -> None:
    result = invoke("sweep", *pinned, "--runs", "1", "-o", tmp_path / "o")
    assert result.status == 2
    assert f"has no channel that can go: queries: shares {WHY}" in result.err
    assert not (tmp_path / "o").exists()
