"""What is built for phones is in operators that XNNPACK takes, and still agrees bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune.compiler import Recipe
from edgeprune.emit import to_tflite
from edgeprune.frontends import from_tflite
from edgeprune.ir import Graph, Node, Op, TensorType, build_graph, fed, predict, real
from edgeprune.ops import AvgPool2d, Conv2d, Dense, Reshape, Softmax
from edgeprune.ops._window import Padding
from edgeprune.pipeline.prepare import one_call
from edgeprune.quantize import observe
from edgeprune.quantize.delegate import with_means
from edgeprune.quantize.half import LEAST_ELEMENTS, as_half, with_half_weights
from edgeprune.target import load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.run_c import HostModel
from edgeprune.verify.speed import outside_delegate

X = np.random.default_rng(5).normal(size=(60, 8, 8, 2)).astype(np.float32)
WHOLE = AvgPool2d(kernel=(8, 8), stride=(8, 8))


def network(pool: Op) -> Graph:
    """Convolution, pooling, dense layer and softmax."""
    rng = np.random.default_rng(4)
    places = int(np.prod(pool.infer(TensorType((8, 8, 6))).shape))
    shapes = {"w": (6, 1, 1, 2), "b": (6,), "v": (5, places), "c": (5,)}
    nodes = [
        Node("conv", Conv2d(), ("x", "w", "b"), "h"),
        Node("pool", pool, ("h",), "q"),
        Node("flat", Reshape((places,)), ("q",), "f"),
        Node("dense", Dense(), ("f", "v", "c"), "g"),
        Node("head", Softmax(), ("g",), "y"),
    ]
    weights = {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}
    return build_graph("net", nodes, {"x": TensorType((8, 8, 2))}, ["y"], weights)


def recipe(graph: Graph, target: str) -> Recipe:
    return Recipe(load_target(target), "int8", "speed", observe(graph, X))


@pytest.mark.parametrize("target", ["android", "ios"])
def test_all_of_an_int8_network_runs_in_the_delegate_and_agrees(
    target: str, tmp_path: Path
) -> None:
    graph = network(WHOLE)
    board, phone = (recipe(graph, t).compile(graph) for t in ("host", target))
    assert outside_delegate(board.tflite) == ("AVERAGE_POOL_2D", "SOFTMAX")
    assert outside_delegate(phone.tflite) == ()
    phone.write_c(tmp_path, "net")
    rows = fed(phone.graph, X)
    with HostModel(tmp_path) as model:
        ours = model.run(rows)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(run_tflite.run(phone.tflite, rows), ours, rtol=0, atol=1e-6)
    np.testing.assert_allclose(one_call(phone.graph, X), ours, rtol=0, atol=1e-6)
    np.testing.assert_allclose(real(phone.graph, ours), predict(graph, X), atol=0.1)


@pytest.mark.parametrize(
    "pool",
    [
        AvgPool2d(kernel=(4, 4), stride=(4, 4)),
        AvgPool2d(kernel=(8, 8), stride=(8, 8), clamp=(0.0, 6.0)),
        AvgPool2d(kernel=(8, 8), stride=(8, 8), padding=Padding(top=1, bottom=1)),
    ],
    ids=["part", "clamped", "padded"],
)
def test_only_pooling_of_the_whole_map_is_a_mean(pool: Op) -> None:
    kinds = [n.op.kind for n in with_means(network(pool)).nodes]
    assert "mean" not in kinds
    whole = network(WHOLE)
    assert [n.op.kind for n in with_means(whole).nodes][1] == "mean"
    np.testing.assert_allclose(predict(with_means(whole), X), predict(whole, X), atol=1e-6)


def test_a_file_of_integers_keeps_its_operators_and_bits() -> None:
    graph = network(WHOLE)
    typed = recipe(graph, "host").typed(graph)
    again = recipe(graph, "android").typed(typed)
    assert to_tflite.emit(again) == to_tflite.emit(typed)


def wide() -> Graph:
    """Two dense layers, with enough weights to be stored in float16."""
    rng = np.random.default_rng(6)
    shapes = {"w": (64, 128), "b": (64,), "v": (5, 64), "c": (5,)}
    nodes = [
        Node("flat", Reshape((128,)), ("x",), "f"),
        Node("hidden", Dense(), ("f", "w", "b"), "h"),
        Node("dense", Dense(), ("h", "v", "c"), "g"),
        Node("soft", Softmax(), ("g",), "y"),
    ]
    weights = {k: 0.1 * rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}
    return build_graph("net", nodes, {"x": TensorType((8, 8, 2))}, ["y"], weights)


def test_weights_in_float16_halve_the_file_and_all_of_it_runs_in_the_delegate(
    tmp_path: Path,
) -> None:
    graph, made = wide(), {}
    for dtype in ("float32", "float16"):
        made[dtype] = Recipe(load_target("android"), dtype, "speed", {}).compile(graph)
    whole, half = made["float32"], made["float16"]
    saved = sum(2 * v.size for v in graph.constants.values() if v.size >= LEAST_ELEMENTS)
    assert len(half.tflite) < len(whole.tflite) - saved + 600
    assert outside_delegate(half.tflite) == ()
    half.write_c(tmp_path, "net")
    with HostModel(tmp_path) as model:
        ours = model.run(X)
    for default in (False, True):
        found = run_tflite.run(half.tflite, X, default=default)
        np.testing.assert_allclose(found, ours, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours, predict(graph, X), atol=0.01)
    assert not np.array_equal(ours, predict(graph, X)), "float16 rounds"


def test_what_float16_cannot_hold_stays_float32() -> None:
    graph = wide()
    far = graph.with_constants(
        {"w": graph.constants["w"] * np.float32(1e7), "v": graph.constants["v"] * np.float32(1e-7)}
    )
    rounded = with_half_weights(far)
    for name in ("w", "v"):
        np.testing.assert_array_equal(rounded.constants[name], far.constants[name])
        assert as_half(rounded.constants[name]) is None
    near = with_half_weights(graph).constants["w"]
    assert as_half(near) is not None
    assert as_half(near.ravel()[: LEAST_ELEMENTS - 1]) is None


def test_a_file_with_weights_in_float16_is_read_again() -> None:
    compiled = Recipe(load_target("android"), "float16", "speed", {}).compile(wide())
    again = from_tflite.parse(compiled.tflite, "net")
    np.testing.assert_allclose(predict(again, X), predict(compiled.graph, X), atol=1e-6)
