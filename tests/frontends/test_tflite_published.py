"""Published .tflite files compute what LiteRT computes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edgeprune.emit.to_tflite import emit
from edgeprune.frontends.from_tflite import load
from edgeprune.frontends.normalize import normalize
from edgeprune.ir import predict, run_int
from edgeprune.verify import run_tflite


@pytest.mark.needs("EDGEPRUNE_DATA")
@pytest.mark.parametrize("name", ["ic01", "kws01", "ad01"])
def test_published_int8_models_are_exact(name: str) -> None:
    path = Path(os.environ["EDGEPRUNE_DATA"]) / "mlperf_tiny" / f"{name}_int8.tflite"
    graph = load(path)
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (200, *graph.types[graph.inputs[0]].shape)).astype(np.int8)
    want = run_tflite.run(path.read_bytes(), x)
    assert np.array_equal(run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]], want)
    assert np.array_equal(run_tflite.run(emit(graph), x), want)


@pytest.mark.needs("EDGEPRUNE_DATA")
@pytest.mark.parametrize("name", ["ic01", "ad01"])
def test_published_float_models_are_within_rounding(name: str) -> None:
    path = Path(os.environ["EDGEPRUNE_DATA"]) / "mlperf_tiny" / f"{name}_fp32.tflite"
    graph = load(path)
    x = np.random.default_rng(0).normal(0, 1, (200, *graph.types[graph.inputs[0]].shape))
    x = x.astype(np.float32)
    want, got = run_tflite.run(path.read_bytes(), x), predict(graph, x)
    assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()


@pytest.mark.needs("EDGEPRUNE_DATA")
def test_tinyengines_own_network_is_exact() -> None:
    path = Path(os.environ["EDGEPRUNE_DATA"]) / "public" / "tinyengine_vww.tflite"
    graph = normalize(load(path))
    t = graph.types[graph.inputs[0]]
    x = np.random.default_rng(0).integers(-128, 128, (4, *t.shape)).astype(t.dtype.numpy)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(got, run_tflite.run(path.read_bytes(), x, signed=True))


@pytest.mark.needs("EDGEPRUNE_DATA")
def test_person_detect_is_exact() -> None:
    """The best known model of the field, whose biases name an axis that they do not have."""
    path = Path(os.environ["EDGEPRUNE_DATA"]) / "public" / "person_detect.tflite"
    graph = load(path)
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (6, 96, 96, 1)).astype(np.int8)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(got, run_tflite.run(path.read_bytes(), x))
    assert np.array_equal(got, run_tflite.run(emit(graph), x))
