""".tflite files with other element types than those of their activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite_files import FIVE, THREE, Step, Value, constant, file_of, one_op, packed

from edgeprune.emit.to_tflite import emit
from edgeprune.errors import UnsupportedError
from edgeprune.frontends.data import load_samples
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.normalize import normalize
from edgeprune.ir import DType, QuantParams, predict, run_int
from edgeprune.pruning.intervals import intervals
from edgeprune.verify import run_tflite


def test_dynamic_range_weights_are_the_reals_that_they_stand_for() -> None:
    w = np.random.default_rng(0).integers(-127, 128, (3, 5)).astype(np.int8)
    operands = [Value((1, 5), "float32"), constant(w, QuantParams.of(0.01)),
                constant(np.zeros(3, np.float32))]  # fmt: skip
    file = one_op("FULLY_CONNECTED", operands, Value((1, 3), "float32"),
                  {}, table="FullyConnectedOptions", version=3)  # fmt: skip
    graph = parse(file, "m.tflite")
    x = np.random.default_rng(1).normal(0, 1, (9, 5)).astype(np.float32)
    assert np.allclose(predict(graph, x), x @ (w * np.float32(0.01)).T, rtol=1e-5, atol=1e-6)
    assert "real numbers" in graph.notes[0]


def test_uint8_at_both_ends_is_int8_that_is_128_higher() -> None:
    """What a converter makes of `inference_input_type=uint8`: nothing is left of the QUANTIZEs."""
    image, inside = QuantParams.of(1 / 255, 0), QuantParams.of(1 / 255, -128)
    values = [Value((1, 8), "uint8", image), Value((1, 8), "int8", inside),
              Value((1, 8), "int8", FIVE),
              Value((1, 8), "uint8", QuantParams.of(0.05, 125))]  # fmt: skip
    steps = [Step("QUANTIZE", [0], 1, {}, "QuantizeOptions"),
             Step("QUANTIZE", [1], 2, {}, "QuantizeOptions"),
             Step("QUANTIZE", [2], 3, {}, "QuantizeOptions")]  # fmt: skip
    content = file_of(values, steps, [0], [3])
    graph = normalize(parse(content, "m.tflite"))
    assert [n.op.kind for n in graph.nodes] == ["quantize"]
    assert {p.dtype for p in graph.ports.values()} == {DType.UINT8}
    x = np.arange(-128, 128).astype(np.int8).reshape(32, 8)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(got, run_tflite.run(content, x, signed=True))
    plain = run_tflite.run(content, (x.astype(np.int16) + 128).astype(np.uint8))
    assert np.array_equal(plain.astype(np.int16) - 128, got)


def test_samples_of_bytes_are_the_integers_of_a_model_that_takes_bytes(tmp_path: Path) -> None:
    made = Value((1, 4), "int8", FIVE)
    content = one_op("QUANTIZE", [Value((1, 4), "uint8", QuantParams.of(1 / 255, 0))], made,
                     {}, table="QuantizeOptions")  # fmt: skip
    graph = normalize(parse(content, "m.tflite"))
    x = np.asarray([[0, 1, 128, 255]], np.uint8)
    np.savez(tmp_path / "x.npz", x=x)
    np.testing.assert_allclose(load_samples(tmp_path / "x.npz", graph).x, x / 255, rtol=1e-6)


def test_files_of_the_old_kind_in_uint8_throughout_are_exact(rng: np.random.Generator) -> None:
    """Zero points of weights too, as far as int8 holds the weights without them."""
    image, made = QuantParams.of(0.05, 120), QuantParams.of(0.3, 17)
    w = rng.integers(60, 200, (4, 3, 3, 3)).astype(np.uint8)
    quant = QuantParams.of(0.01, 131)
    bias = QuantParams.of(float(np.float32(0.05) * np.float32(0.01)))
    values = [
        Value((1, 6, 6, 3), "uint8", image), constant(w, quant),
        constant(rng.integers(-999, 999, 4).astype(np.int32), bias),
        Value((1, 4, 4, 4), "uint8", made), Value((1, 4, 4, 4), "uint8", made),
    ]  # fmt: skip
    options = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1,
               "padding": 1}  # fmt: skip
    steps = [Step("CONV_2D", [0, 1, 2], 3, options, "Conv2DOptions"),
             Step("ADD", [3, 3], 4, {}, "AddOptions")]  # fmt: skip
    content = file_of(values, steps, [0], [4])
    graph = parse(content, "old.tflite")
    x = rng.integers(-128, 128, (40, 6, 6, 3)).astype(np.int8)
    got = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(got, run_tflite.run(content, x, signed=True))
    assert np.array_equal(got, run_tflite.run(emit(graph), x))
    wild = rng.integers(0, 256, w.shape).astype(np.uint8)
    content = file_of([values[0], constant(wild, quant), *values[2:]], steps, [0], [4])
    with pytest.raises(UnsupportedError, match="weights with a zero point"):
        parse(content, "old.tflite")


def test_int4_weights_are_unpacked() -> None:
    model = schema.ModelT.InitFromPackedBuf(
        one_op(
            "FULLY_CONNECTED",
            [
                Value((1, 3), "int8", FIVE),
                constant(np.zeros((1, 3), np.int8), QuantParams.of(0.1)),
                constant(np.zeros(1, np.int32), QuantParams.of(0.005)),
            ],
            Value((1, 1), "int8", THREE),
            {},
            table="FullyConnectedOptions",
            version=10,
        )
    )
    t = model.subgraphs[0].tensors[1]
    t.type = schema.TensorType.INT4
    model.buffers[t.buffer].data = np.array([0x8F, 0x07], np.uint8)  # -1, -8, 7
    graph = parse(packed(model), "m.tflite")
    name = graph.nodes[0].inputs[1]
    assert graph.types[name].dtype is DType.INT4
    assert graph.constants[name].tolist() == [[-1, -8, 7]]


def test_a_step_in_float_between_integers_is_computed_and_bounded(rng: np.random.Generator) -> None:
    values = [
        Value((1, 6), "int8", FIVE), Value((1, 6), "float32"), Value((1, 6), "float32"),
        Value((1, 6), "int8", THREE),
    ]  # fmt: skip
    steps = [
        Step("DEQUANTIZE", [0], 1, {}, "DequantizeOptions", 2),
        Step("NEG", [1], 2, {}, "NegOptions"),
        Step("QUANTIZE", [2], 3, {}, "QuantizeOptions"),
    ]
    file = file_of(values, steps, [0], [3])
    graph = parse(file, "m.tflite")
    x = rng.integers(-128, 128, (40, 6)).astype(np.int8)
    found = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.array_equal(found, run_tflite.run(file, x))
    low, high = intervals(graph)[graph.outputs[0]]
    assert ((low <= found) & (found <= high)).all()
