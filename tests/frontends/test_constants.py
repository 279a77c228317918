"""Constants on either side of every binary operator, from every reader, in every type."""

from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_models import model, node
from tflite_files import Step, Value, constant, file_of

from edgeprune.compiler import Recipe
from edgeprune.errors import UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_torch import export
from edgeprune.frontends.normalize import fuse
from edgeprune.frontends.ports import join_ports
from edgeprune.ir import Array, Graph, fed, real
from edgeprune.quantize import observe
from edgeprune.target import load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.run_c import HostModel

KINDS: dict[str, Callable[[Array, Array], Array]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": operator.truediv,
    "Max": np.maximum,
    "Min": np.minimum,
}
NUMBER = np.asarray([1.25], np.float32)
ROW = np.asarray([0.75, 1.5, 1.0], np.float32)
WHOLE = np.linspace(0.6, 1.9, 12, dtype=np.float32).reshape(4, 3)
CONSTANTS = (NUMBER, ROW, WHOLE)
SHAPE = (4, 3)

# (operator, constant, whether the constant comes first)
Row = tuple[str, Array, bool]


def rows(c: Array) -> list[Row]:
    """Every operator, that constant on either side; but a constant divided by a value."""
    every = [(k, c, first) for k in KINDS for first in (False, True)]
    return [r for r in every if r[0] != "Div" or not r[2]]


def wanted(row: Row, x: Array) -> Array:
    kind, c, first = row
    return KINDS[kind](c, x) if first else KINDS[kind](x, c)


def in_onnx(chosen: list[Row], folder: Path) -> Path:
    nodes = [
        node(k, *((f"c{i}", "x") if first else ("x", f"c{i}")), outputs=[f"y{i}"])
        for i, (k, _, first) in enumerate(chosen)
    ]
    held = {f"c{i}": c for i, (_, c, _) in enumerate(chosen)}
    names = [f"y{i}" for i in range(len(chosen))]
    path = folder / "m.onnx"
    path.write_bytes(model(nodes, {"x": [1, *SHAPE]}, held, outputs=names))
    return path


class Torch(torch.nn.Module):
    """All rows; numbers are Python's, so that they come as arguments of other operators."""

    def __init__(self, chosen: list[Row]) -> None:
        super().__init__()
        self.chosen = chosen

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        extremes = {"Max": torch.maximum, "Min": torch.minimum}
        made = []
        for kind, c, first in self.chosen:
            apply = extremes.get(kind, KINDS[kind])
            plain = c.size == 1 and kind not in extremes
            other = float(c[0]) if plain else torch.from_numpy(c)
            made.append(apply(other, x) if first else apply(x, other))
        return tuple(made)


def in_torch(chosen: list[Row], folder: Path) -> Path:
    return export(Torch(chosen), torch.ones(1, *SHAPE), folder / "m.pt2")


def in_tflite(chosen: list[Row], folder: Path) -> Path:
    names = {"Add": "ADD", "Sub": "SUB", "Mul": "MUL", "Div": "DIV", "Max": "MAXIMUM",
             "Min": "MINIMUM"}  # fmt: skip
    tables = {"Max": "MaximumMinimumOptions", "Min": "MaximumMinimumOptions"}
    n = len(chosen)
    values = [Value((1, *SHAPE), "float32"), *(constant(c) for _, c, _ in chosen)]
    values += [Value((1, *SHAPE), "float32")] * n
    steps = [
        Step(names[k], (i + 1, 0) if first else (0, i + 1), n + 1 + i, {},
             tables.get(k, f"{k}Options"))
        for i, (k, _, first) in enumerate(chosen)
    ]  # fmt: skip
    path = folder / "m.tflite"
    path.write_bytes(file_of(values, steps, [0], range(n + 1, 2 * n + 1)))
    return path


def in_keras(chosen: list[Row], folder: Path) -> Path:
    import tensorflow as tf

    ops = tf.keras.ops
    apply = {"Add": ops.add, "Sub": ops.subtract, "Mul": ops.multiply, "Div": ops.divide,
             "Max": ops.maximum, "Min": ops.minimum}  # fmt: skip
    x = tf.keras.Input(SHAPE)
    made = []
    for kind, c, first in chosen:
        other = float(c[0]) if c.size == 1 else c
        made.append(apply[kind](other, x) if first else apply[kind](x, other))
    path = folder / "m.keras"
    tf.keras.Model(x, made).save(path)
    return path


READERS = {"onnx": in_onnx, "torch": in_torch, "tflite": in_tflite, "keras": in_keras}


def samples() -> Array:
    return np.random.default_rng(0).uniform(0.5, 2.0, (60, *SHAPE)).astype(np.float32)


by_reader = pytest.mark.parametrize(
    "reader",
    [pytest.param(r, marks=[pytest.mark.needs("tensorflow")] if r == "keras" else [])
     for r in READERS],
)  # fmt: skip


def check(graph: Graph, chosen: list[Row], dtype: str, folder: Path) -> None:
    """In C and under LiteRT's reference kernels alike, and what numpy says."""
    x = samples()
    joined = join_ports(graph)
    seen = {} if dtype == "float32" else observe(fuse(joined), x)
    compiled = Recipe(load_target("cortex-m4"), dtype, "size", seen).compile(joined, thorough=False)
    compiled.portable.write_c(folder, "model")
    given = fed(compiled.graph, x)
    with HostModel(folder, optimize="-O0") as host:
        ours = host.run(given)
    its = run_tflite.run(compiled.tflite, given, threads=1)
    if dtype == "float32":
        np.testing.assert_allclose(ours, its, rtol=1e-6)
    else:
        np.testing.assert_array_equal(ours, its)
    got = real(compiled.graph, ours).reshape(len(x), len(chosen), *SHAPE)
    worst = {"float32": 1e-6, "int8": 0.03, "int16x8": 3e-4}[dtype]
    for i, row in enumerate(chosen):
        want = wanted(row, x)
        off = np.abs(got[:, i] - want).max() / np.ptp(want)
        assert off <= worst, (row, off)


@by_reader
@pytest.mark.parametrize("c", CONSTANTS, ids=["number", "row", "whole"])
def test_a_constant_on_either_side_gives_what_it_says(
    reader: str, c: Array, tmp_path: Path
) -> None:
    graph = load(READERS[reader](rows(c), tmp_path))
    for dtype in ("float32", "int8", "int16x8"):
        check(graph, rows(c), dtype, tmp_path / dtype)


@by_reader
def test_a_constant_is_divided_by_a_value_in_float(reader: str, tmp_path: Path) -> None:
    chosen = [("Div", c, True) for c in CONSTANTS]
    check(load(READERS[reader](chosen, tmp_path)), chosen, "float32", tmp_path / "c")


def test_integers_are_divided_by_a_value_that_is_never_zero(tmp_path: Path) -> None:
    graph = fuse(load(in_onnx([("Div", ROW, True)], tmp_path)))
    recipe = Recipe(load_target("cortex-m4"), "int8", "size", observe(graph, samples()))
    x = fed(recipe.compile(graph).graph, samples())
    compiled = recipe.compile(graph)
    compiled.portable.write_c(tmp_path / "c", "model")
    with HostModel(tmp_path / "c", optimize="-O0") as host:
        ours = host.run(x)
    np.testing.assert_array_equal(ours, run_tflite.run(compiled.tflite, x, threads=1))
    mixed = samples() * np.where(np.arange(SHAPE[-1]) % 2, -1, 1).astype(np.float32)
    recipe = Recipe(load_target("cortex-m4"), "int8", "size", observe(graph, mixed))
    with pytest.raises(UnsupportedError, match="so by 0"):
        recipe.compile(graph)
