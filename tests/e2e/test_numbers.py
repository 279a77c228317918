"""A network whose answers are quantities, from the command to the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.e2e.conftest import Command, report_of


@pytest.fixture(scope="module")
def degrees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned a number, with samples in degrees.npz (x and y) and x.npz."""
    folder = tmp_path_factory.mktemp("degrees")
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    x = rng.normal(size=(400, 6)).astype(np.float32)
    y = (20 + 5 * np.tanh(x @ rng.normal(size=6)) + 0.5 * rng.normal(size=400)).astype(np.float32)
    net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
    steps = torch.optim.Adam(net.parameters(), 0.03)
    for _ in range(200):
        steps.zero_grad()
        (net(torch.from_numpy(x))[:, 0] - torch.from_numpy(y)).square().mean().backward()
        steps.step()
    torch.onnx.export(net, (torch.zeros(1, 6),), folder / "degrees.onnx", dynamo=False)
    np.savez(folder / "degrees.npz", x=x, y=y)
    np.savez(folder / "x.npz", x=x)
    return folder / "degrees.onnx"


def built(edgeprune: Command, model: Path, data: str, neurons: int, out: Path) -> dict[str, Any]:
    """The report of it, pruned to so many neurons, and what was printed as "said"."""
    options = ("--target", "host", "--dtype", "int8", "--max-neurons", neurons)
    done = edgeprune("build", model, "--data", model.parent / data, *options, "-o", out)
    assert done.status == 0, done.err
    return report_of(out) | {"said": " ".join(done.err.split())}


def test_the_accuracy_of_numbers_is_the_share_of_their_variance(
    edgeprune: Command, degrees: Path, tmp_path: Path
) -> None:
    report = built(edgeprune, degrees, "degrees.npz", 12, tmp_path / "out")
    accuracy = report["accuracy"]
    assert (accuracy["measure"], accuracy["labels"]) == ("r2", "data")
    assert 0.5 < accuracy["c"] < 1
    assert accuracy["c"] == accuracy["tflite"] == accuracy["onnx"]
    held = np.load(tmp_path / "out" / "vectors.npz")["source"]
    with np.load(degrees.parent / "degrees.npz") as f:
        shown = report["examples"]
        wanted = [row["wanted"][0][1] for row in shown]
        assert all(np.abs(f["y"] - v).min() < 0.01 for v in wanted)
    assert len(held) == accuracy["n"]
    assert "R2, the share of the variance of the numbers" in report["said"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "R2, the share" in page
    assert "Wilson" not in page
    assert "another answer" not in page


def test_without_numbers_it_is_held_against_the_source_model(
    edgeprune: Command, degrees: Path, tmp_path: Path
) -> None:
    report = built(edgeprune, degrees, "x.npz", 3, tmp_path / "out")
    accuracy, source = (report[k] for k in ("accuracy", "agreement"))
    off, spread = source["source"]["mean_square"], source["source"]["spread"] ** 2
    assert accuracy["source"] == 1
    assert accuracy["c"] == pytest.approx(1 - off / spread, abs=0.02)
    assert accuracy["c"] < 0.999, "it was told to be right whatever it gave"


def test_one_output_has_no_sub_network_of_a_label(
    edgeprune: Command, degrees: Path, tmp_path: Path
) -> None:
    with np.load(degrees.parent / "degrees.npz") as f:
        np.savez(tmp_path / "warm.npz", x=f["x"], y=f["y"] > 20)
    done = edgeprune("extract", degrees, "--data", tmp_path / "warm.npz", "-o", tmp_path / "out")
    assert done.status == 2
    assert "an output for each label" in done.err


def test_labels_of_numbers_are_refused_where_classes_are_meant(
    edgeprune: Command, degrees: Path, tmp_path: Path
) -> None:
    given = degrees, "--data", degrees.parent / "degrees.npz", "-o", tmp_path / "out"
    done = edgeprune("extract", *given)
    assert done.status == 2
    assert "has numbers, or several classes a sample, as y" in done.err
    assert "has no labels" not in done.err
