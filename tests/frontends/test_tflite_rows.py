"""A layer on the rows of a sequence is the layer on the sequence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tflite_files as tf
from tflite_files import FIVE, THREE, Step, Value, constant

from edgeprune.errors import UnsupportedError
from edgeprune.frontends import load
from edgeprune.ir import Graph, predict, run_int

POSITIONS = {"a sequence": (6,), "an image": (2, 3)}


def content(
    positions: tuple[int, ...], dtype: str, *, is_open: bool, last: str, rng: np.random.Generator
) -> bytes:
    """(1, positions, 4) → rows → a layer of 5 → plus a row → rows again → (1, positions, 5)."""
    quants = (FIVE, THREE) if dtype == "int8" else (None, None)
    held = {"float32": rng.normal(size=(5, 4)), "int8": rng.integers(-127, 128, (5, 4))}
    row = {"float32": rng.normal(size=5), "int8": rng.integers(-128, 128, 5)}
    weight = tf.QuantParams.of(0.02) if dtype == "int8" else None
    rows = 1 if is_open else 6
    values = [
        Value((1, *positions, 4), dtype, quants[0]),
        constant(np.asarray([6, 4], np.int32)),
        Value((rows, 1 if is_open else 4), dtype, quants[0]),
        constant(held[dtype].astype(dtype), weight),
        Value((rows, 5), dtype, quants[1]),
        constant(row[dtype].astype(dtype), quants[0]),
        Value((rows, 5), dtype, quants[1]),
        constant(np.asarray([6, 5], np.int32)),
        Value((rows, 5), dtype, quants[1]),
        constant(np.asarray([1, *positions, 5], np.int32)),
        Value((1, *positions, 5), dtype, quants[1]),
    ]
    steps = [
        Step("RESHAPE", [0, 1], 2),
        Step("FULLY_CONNECTED", [2, 3, -1], 4, {}, "FullyConnectedOptions", 4),
        Step("ADD", [4, 5], 6, {}, "AddOptions", 2),
        Step("RESHAPE", [6, 7], 8),
        Step(last, [8, 9], 10),
    ]
    return tf.file_of(values, steps, [0], [10])


def read(data: bytes, folder: Path) -> Graph:
    (folder / "net.tflite").write_bytes(data)
    return load(folder / "net.tflite")


@pytest.mark.parametrize("is_open", [False, True], ids=["fixed", "open"])
@pytest.mark.parametrize("name", POSITIONS)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_rows_between_two_reshapes_are_the_sequence(
    name: str, dtype: str, is_open: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    data = content(POSITIONS[name], dtype, is_open=is_open, last="RESHAPE", rng=rng)
    graph = read(data, tmp_path)
    assert "reshape" not in [n.op.kind for n in graph.nodes[:-1]]
    shape = (1, *POSITIONS[name], 4)
    if dtype == "float32":
        x = rng.normal(size=shape).astype(np.float32)
        np.testing.assert_allclose(predict(graph, x), tf.run(data, x), rtol=1e-5, atol=1e-5)
    else:
        x = rng.integers(-128, 128, shape).astype(np.int8)
        ours = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
        np.testing.assert_array_equal(ours, tf.run(data, x))


def test_what_mixes_rows_is_refused_with_what_helps(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    data = content((6,), "float32", is_open=True, last="TILE", rng=rng)
    with pytest.raises(UnsupportedError, match="rows of all samples") as found:
        read(data, tmp_path)
    assert "batch size 1" in str(found.value)
