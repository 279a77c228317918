"""int8 weights beside float32 activations: what the file holds, and what LiteRT makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgeprune.emit import to_tflite
from edgeprune.frontends import load
from edgeprune.ir import Graph, predict
from edgeprune.ops import Conv2d, Dense, DepthwiseConv2d
from edgeprune.ops.examples import example_graph
from edgeprune.quantize.dynamic import LEAST_ELEMENTS, rounded_in_calls, with_int8_weights
from edgeprune.verify import run_tflite

LAYERS: dict[str, tuple[object, tuple[int, ...], tuple[tuple[int, ...], ...]]] = {
    "CONV_2D": (Conv2d(), (9, 9, 16), ((20, 3, 3, 16), (20,))),
    "DEPTHWISE_CONV_2D": (DepthwiseConv2d(), (9, 9, 128), ((3, 3, 128), (128,))),
    "FULLY_CONNECTED": (Dense(), (70,), ((30, 70), (30,))),
    "FULLY_CONNECTED of one": (Dense(), (1100,), ((1, 1100), (1,))),
    "FULLY_CONNECTED of rows": (Dense(), (5, 70), ((30, 70), (30,))),
}

BUILTIN = schema.BuiltinOperator
VERSIONS = {BUILTIN.CONV_2D: 5, BUILTIN.DEPTHWISE_CONV_2D: 6, BUILTIN.FULLY_CONNECTED: 9}
"""From which on a runtime rounds what a layer reads by its range: TensorFlow's op_version.cc."""


def layer(name: str) -> Graph:
    op, shape, constants = LAYERS[name]
    return example_graph((op, (shape,), constants))  # type: ignore[arg-type]


def samples(graph: Graph, n: int = 20) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = graph.types[graph.inputs[0]].shape
    return rng.normal(0.3, 1, (n, *shape)).astype(np.float32)


@pytest.mark.parametrize("name", LAYERS)
def test_litert_computes_what_rounding_in_calls_says(name: str) -> None:
    graph = with_int8_weights(layer(name))
    x = samples(graph)
    exact, told = predict(graph, x), rounded_in_calls(graph, x)
    file = to_tflite.emit(graph, dtype="dynamic")
    for default in (False, True):
        found = run_tflite.run(file, x, default=default)
        off = np.abs(exact - told).max()
        assert 0 < np.abs(exact - found).max() < 1.5 * off
        if not default or name != "DEPTHWISE_CONV_2D":
            # what lies between two steps may be rounded either way
            assert np.quantile(np.abs(told - found), 0.9) < 0.1 * off


@pytest.mark.parametrize("name", LAYERS)
def test_a_file_holds_the_weights_in_int8_with_a_scale_a_channel_and_gives_them_back(
    name: str, tmp_path: Path
) -> None:
    graph = with_int8_weights(layer(name))
    file = to_tflite.emit(graph, dtype="dynamic")
    model = schema.ModelT.InitFromPackedBuf(file)
    (operator,) = model.subgraphs[0].operators
    code = model.operatorCodes[operator.opcodeIndex]
    assert code.version >= VERSIONS[max(code.builtinCode, code.deprecatedBuiltinCode)]
    weights = model.subgraphs[0].tensors[operator.inputs[1]]
    assert weights.type == schema.TensorType.INT8
    made = graph.types[graph.results[0]].shape[-1]
    assert len(weights.quantization.scale) == made
    saved = 3 * int(np.prod(weights.shape)) - 12 * made  # a scale and a zero point each
    assert len(to_tflite.emit(graph)) - len(file) > 0.9 * saved
    (tmp_path / "m.tflite").write_bytes(file)
    again = load(tmp_path / "m.tflite")
    x = samples(graph)
    np.testing.assert_allclose(predict(again, x), predict(graph, x), rtol=1e-5, atol=1e-5)


def test_rounding_twice_changes_nothing_and_no_weight_moves_by_more_than_half_a_step() -> None:
    whole = layer("CONV_2D")
    once = with_int8_weights(whole)
    twice = with_int8_weights(once)
    key = whole.nodes[0].inputs[1]
    before, after = whole.constants[key], once.constants[key]
    np.testing.assert_allclose(twice.constants[key], after, rtol=1e-6)
    step = np.abs(before).max(axis=(1, 2, 3), keepdims=True) / 127
    assert (np.abs(before - after) <= 0.5001 * step).all()


def test_few_weights_stay_as_they_are() -> None:
    graph = example_graph((Dense(), ((8,),), ((9, 8), (9,))))
    assert LEAST_ELEMENTS > 9 * 8
    np.testing.assert_array_equal(
        with_int8_weights(graph).constants[graph.nodes[0].inputs[1]],
        graph.constants[graph.nodes[0].inputs[1]],
    )
    assert to_tflite.emit(graph, dtype="dynamic") == to_tflite.emit(graph)


@pytest.mark.parametrize(("low", "high"), [(2.0, 3.0), (-3.0, -2.0)])
def test_the_range_that_a_layer_rounds_by_has_zero_in_it(low: float, high: float) -> None:
    graph = with_int8_weights(layer("FULLY_CONNECTED"))
    x = np.random.default_rng(3).uniform(low, high, (20, 70)).astype(np.float32)
    step = np.abs(x).max(axis=1, keepdims=True) / 255
    rounded = (np.rint(x / step) * step).astype(np.float32)
    assert np.allclose(rounded_in_calls(graph, x), predict(graph, rounded), rtol=1e-4, atol=1e-4)
