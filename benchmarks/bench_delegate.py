r"""LiteRT's default kernels (XNNPACK), its reference kernels, and the test that an app gets.

    EDGEPRUNE_DATA=... python benchmarks/bench_delegate.py [--samples 2000] [--draws 500] \
        [--models ic01 kws01]

MLPerf Tiny's int8 networks. Differences are measured over one half of the samples; the bounds of
the app's test follow from them. Then the test is drawn from the other half: how often it passes on
the same file under the default kernels, and how often it fails on files that were damaged.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgeprune.ir import Array
from edgeprune.verify import run_tflite
from edgeprune.verify._litert import _packed, _unpacked
from edgeprune.verify.delegate import TEST_SAMPLES, Tolerance, differences, tolerance

Damage = Callable[[list[Any], list[Any], np.random.Generator], None]


class Constant:
    """The values of a layer's weights or biases, in the file's own layout."""

    def __init__(self, model: Any, tensor: Any, dtype: type) -> None:
        self._buffer, self.tensor = model.buffers[tensor.buffer], tensor
        self.values = np.frombuffer(bytes(self._buffer.data), dtype).reshape(tensor.shape).copy()
        self.channels = 0 if self.values.shape[0] > 1 else self.values.ndim - 1

    def store(self) -> None:
        """Put the values into the file."""
        self._buffer.data = np.frombuffer(self.values.tobytes(), np.uint8)


def zeroed(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """The weights of the layer in the middle are zero."""
    weights[len(weights) // 2].values[:] = 0


def negated(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """The last layer's weights have the other sign."""
    weights[-1].values = -np.maximum(weights[-1].values, -127)


def rolled(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """The first layer's filters are each another's."""
    weights[0].values = np.roll(weights[0].values, 1, weights[0].channels)


def unbiased(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """The first layer has no biases."""
    biases[0].values[:] = 0


def rescaled(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """The first layer's scales are twice as large."""
    for constant in (weights[0], biases[0]):
        known = constant.tensor.quantization
        known.scale = [2 * s for s in known.scale]


def swapped(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """The first two classes have changed places."""
    for constant in (weights[-1], biases[-1]):
        constant.values[[0, 1]] = constant.values[[1, 0]]


def flipped(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """One weight in a hundred has a bit (64) turned."""
    for constant in weights:
        hit = rng.random(constant.values.shape) < 0.01
        constant.values[hit] ^= 0x40


def noisy(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """All weights have noise of eight steps."""
    for constant in weights:
        moved = constant.values + rng.normal(0, 8, constant.values.shape)
        constant.values = np.clip(np.round(moved), -127, 127).astype(np.int8)


def turned(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """The second layer's filters are upside down and mirrored."""
    weights[1].values = np.ascontiguousarray(weights[1].values[:, ::-1, ::-1])


def coarse(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """All weights are multiples of 32."""
    for constant in weights:
        rounded = 32 * np.round(constant.values / 32.0)
        constant.values = np.clip(rounded, -127, 127).astype(np.int8)


def lost(weights: list[Any], biases: list[Any], rng: np.random.Generator) -> None:
    """One filter of an early layer is zero."""
    constant = weights[len(weights) // 3]
    np.moveaxis(constant.values, constant.channels, 0)[0] = 0


DAMAGES: tuple[Damage, ...] = (
    zeroed, negated, rolled, unbiased, rescaled, swapped, flipped, noisy, turned, coarse, lost,
)  # fmt: skip


def damaged(content: bytes, damage: Damage) -> bytes:
    """The file with a damage."""
    model = _unpacked(content)
    graph = model.subgraphs[0]
    weights, biases = [], []
    for operator in graph.operators:
        # of what has weights, the second and third inputs are these and the biases
        found = [graph.tensors[t] for t in operator.inputs[1:3]]
        if len(found) == 2 and found[1].type == schema.TensorType.INT32:
            weights.append(Constant(model, found[0], np.int8))
            biases.append(Constant(model, found[1], np.int32))
    damage(weights, biases, np.random.default_rng(0))
    for constant in (*weights, *biases):
        constant.store()
    return _packed(model)


def failing(asked: Tolerance, wanted: Array, found: Array, draws: int) -> float:
    """Share of draws of the test's samples on which it fails."""
    rng = np.random.default_rng(0)
    size = min(TEST_SAMPLES, len(wanted))
    picks = [rng.choice(len(wanted), size, replace=False) for _ in range(draws)]
    return float(np.mean([bool(asked.broken(wanted[k], found[k])) for k in picks]))


def samples(name: str, folder: Path, count: int) -> tuple[Array, Array]:
    """Test samples as the file takes them, and their labels."""
    if name == "ic01":
        with np.load(folder / "cifar10.npz") as f:
            x = (f["x_test"][:count].astype(np.int16) - 128).astype(np.int8)
            return x, f["y_test"][:count].ravel()
    with np.load(folder / "kws01.npz") as f:
        return f["x"][:count], f["y"][:count]


def tell(name: str, measured: Mapping[str, Any], asked: Tolerance) -> None:
    """Print what was measured and what follows."""
    print(
        f"{name}: {measured['mismatches']} of {measured['outputs']} outputs differ, by at most "
        f"{measured['largest']:g} steps, {measured['mean']:.2f} in the mean; "
        f"{measured['changed']} of {measured['n']} answers change, margins up to "
        f"{measured['margin']:g}. Asked for: each {asked.each:g}, mean {asked.mean:.2f}, "
        f"answers above {asked.clear_margin:g}"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--models", nargs="+", default=["ic01", "kws01"])
    options = parser.parse_args()
    folder = Path(os.environ["EDGEPRUNE_DATA"])
    for name in options.models:
        content = (folder / "mlperf_tiny" / f"{name}_int8.tflite").read_bytes()
        x, y = samples(name, folder, options.samples)
        wanted, found = run_tflite.run(content, x), run_tflite.run(content, x, default=True)
        right = [f"{100 * (o.argmax(axis=1) == y).mean():.2f} %" for o in (wanted, found)]
        print(f"{name}: right answers {right[0]} by the reference kernels, {right[1]} by XNNPACK")
        half = len(x) // 2
        measured = differences(wanted[:half], found[:half], classes=True).record
        asked = tolerance(measured, min(TEST_SAMPLES, half), integer=True)
        tell(name, measured, asked)
        passing = 1 - failing(asked, wanted[half:], found[half:], options.draws)
        print(f"  passes on the file itself in {100 * passing:.1f} % of {options.draws} draws")
        for damage in DAMAGES:
            made = run_tflite.run(damaged(content, damage), x[half:], default=True)
            same = (made.argmax(axis=1) == wanted[half:].argmax(axis=1)).mean()
            share = failing(asked, wanted[half:], made, options.draws)
            what = (damage.__doc__ or "").rstrip(".")
            print(f"  fails in {100 * share:5.1f} %: {what} ({100 * same:.1f} % same answers)")


if __name__ == "__main__":
    main()
