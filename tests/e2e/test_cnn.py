"""A small CNN, exported from PyTorch with external data, goes the same way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune import bundled
from tests.e2e.conftest import Command, report_of


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    b = bundled.load_data()
    path = tmp_path_factory.mktemp("data") / "images.npz"
    x = b.x_train[:2000].reshape(-1, 1, 28, 28)
    np.savez(path, x=x, y=b.y_train[:2000])
    return path


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_a_cnn_is_pruned_through_the_flatten_and_agrees_everywhere(
    edgeprune: Command, mnist_cnn: Path, images: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    done = edgeprune("build", mnist_cnn, "--data", images, "--dtype", "int8", "-o", whole)
    assert done.status == 0, done.err
    size = report_of(whole)["size"]["flash_bytes"]
    small = tmp_path / "small"
    budget = int(size * 0.7)
    args = ("--data", images, "--dtype", "int8", "--budget", budget, "-o", small)
    done = edgeprune("build", mnist_cnn, *args)
    assert done.status == 0, done.err
    r = report_of(small)
    assert r["size"]["flash_bytes"] <= budget
    assert sum(r["after"]["channels"].values()) < sum(r["before"]["channels"].values())
    assert r["agreement"]["c_vs_tflite_mismatches"] == 0
    assert r["agreement"]["target_vs_host_mismatches"] == 0
    assert r["accuracy"]["c"] > 0.5


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_float32_outputs_are_those_of_the_source(
    edgeprune: Command, mnist_cnn: Path, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "f"
    done = edgeprune("build", mnist_cnn, "--data", images, "--dtype", "float32", "-o", out)
    assert done.status == 0, done.err
    with np.load(out / "vectors.npz") as v:
        gap = np.abs(v["outputs"].reshape(len(v["source"]), -1) - v["source"])
        assert (gap <= 1e-5 * np.maximum(1, np.abs(v["source"]))).all()
