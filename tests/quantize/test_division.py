"""Quotients in integers, whose divisor may be 0 as an integer but never is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune.compiler import Recipe
from edgeprune.frontends import load
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    Node,
    TensorType,
    build_graph,
    dequantise_array,
    quantise_array,
    run_int,
)
from edgeprune.ops import Div
from edgeprune.ops.function import Reciprocal
from edgeprune.quantize import quantise
from edgeprune.target import load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.run_c import HostModel

TYPES = [DType.INT8, DType.INT16]


def quotient(sign: float, dtype: DType, *, direct: bool) -> tuple[Graph, Array]:
    """1 / x in integers, as a reciprocal or as a quotient, and x of that sign near 0 and far."""
    x = sign * 10 ** np.random.default_rng(0).uniform(-2, 1, (60, 40)).astype(np.float32)
    node = Node("n", Reciprocal(), ("x",), "y") if direct else Node("n", Div(), ("one", "x"), "y")
    constants = {} if direct else {"one": np.ones(40, np.float32)}
    graph = build_graph("q", [node], {"x": TensorType((40,))}, ["y"], constants)
    ends = {k: (float(v.min()), float(v.max())) for k, v in {"x": x, "y": 1 / x}.items()}
    return quantise(graph, ends, dtype), x


def result(graph: Graph, x: Array) -> Array:
    got = run_int(graph, {"x": quantise_array(x, graph.types["x"])})["y"]
    return np.asarray(dequantise_array(got, graph.types["y"]))


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("dtype", TYPES)
def test_what_divides_by_negative_numbers_is_as_close_as_by_positive_ones(
    dtype: DType, direct: bool
) -> None:
    off = []
    for sign in (1.0, -1.0):
        graph, x = quotient(sign, dtype, direct=direct)
        got = result(graph, x)
        assert (got * sign >= 0).all()
        assert (got[abs(x) < 0.015] * sign > 45).all()
        off.append(float(((got - 1 / x) ** 2).mean()))
    assert off[1] < 1.05 * off[0]


@pytest.mark.parametrize("dtype", TYPES)
def test_c_and_litert_divide_by_negative_numbers_as_the_reference_does(
    dtype: DType, tmp_path: Path
) -> None:
    graph, x = quotient(-1.0, dtype, direct=False)
    fed = quantise_array(x, graph.types["x"])
    form = "int8" if dtype is DType.INT8 else "int16x8"
    compiled = Recipe(load_target("cortex-m4"), form, "size", {}).compile_typed(graph)
    wanted = run_int(graph, {"x": fed})["y"]
    compiled.portable.write_c(tmp_path, "model")
    with HostModel(tmp_path, optimize="-O1") as model:
        np.testing.assert_array_equal(model.run(fed), wanted)
    np.testing.assert_array_equal(run_tflite.run(compiled.tflite, fed), wanted)
    file = tmp_path / "model.tflite"
    file.write_bytes(compiled.tflite)
    assert Reciprocal(-1.0) in [n.op for n in load(file).nodes]
