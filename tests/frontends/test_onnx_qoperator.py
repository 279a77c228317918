"""Files of ONNX Runtime's quantiser that are no QDQ: QOperator, dynamic, quantised in part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx_models import evaluate, model, node, to_ir, to_user

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_onnx import loads
from edgeprune.ir import Graph, dequantise_array, quantise_array, run_int
from edgeprune.verify import run_onnx

R = np.random.default_rng(8)


def w(*shape: int) -> np.ndarray:
    return (R.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))).astype(np.float32)


NODES = [
    node("Conv", "x", "w1", "b1", pads=[1, 1, 1, 1], outputs=["a"]),
    node("Relu", "a", outputs=["r"]),
    node("Conv", "r", "w2", group=4, pads=[1, 1, 1, 1], outputs=["c"]),
    node("MaxPool", "r", kernel_shape=[3, 3], pads=[1, 1, 1, 1], outputs=["m"]),
    node("Add", "m", "c", outputs=["s"]),
    node("LeakyRelu", "s", outputs=["l"]),
    node("Sigmoid", "s", outputs=["g"]),
    node("Mul", "l", "g", outputs=["t"]),
    node("Concat", "t", "r", axis=1, outputs=["k"]),
    node("GlobalAveragePool", "k", outputs=["p"]),
    node("Flatten", "p", outputs=["f"]),
    node("Gemm", "f", "w3", "b3", transB=1, outputs=["h"]),
    node("MatMul", "h", "w4"),
]
WEIGHTS = {
    "w1": w(4, 3, 3, 3), "b1": w(4), "w2": w(4, 1, 3, 3), "w3": w(6, 8), "b3": w(6), "w4": w(6, 5),
}  # fmt: skip
FLOAT = model(NODES, {"x": [1, 3, 8, 8]}, WEIGHTS)


def samples(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3, 8, 8)).astype(np.float32)


def quantised(folder: Path, **options: object) -> bytes:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType
    from onnxruntime.quantization import quantize_static as static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.rows = iter(samples(16))

        def get_next(self):
            row = next(self.rows, None)
            return None if row is None else {"x": row[None]}

    onnx.save(onnx.shape_inference.infer_shapes(onnx.load_from_string(FLOAT)), folder / "f.onnx")
    # activations as int8: on some processors ONNX Runtime saturates products of uint8 with int8
    static(
        folder / "f.onnx", folder / "q.onnx", Reader(), quant_format=QuantFormat.QOperator,
        activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, **options,
    )  # fmt: skip
    return (folder / "q.onnx").read_bytes()


def answer(graph: Graph, x: np.ndarray) -> np.ndarray:
    """In reals, for one sample in the user's layout."""
    (v,), (y,) = graph.inputs, graph.outputs
    made = run_int(graph, {v: quantise_array(to_ir(x, graph.ports[v]), graph.types[v])})[y]
    return to_user(dequantise_array(made, graph.types[y]), graph.ports[y])


@pytest.mark.parametrize("per_channel", [True, False])
def test_qoperator_files_are_read_as_integers(tmp_path: Path, per_channel: bool) -> None:
    content = quantised(tmp_path, per_channel=per_channel)
    kinds = {n.op_type for n in onnx.load_from_string(content).graph.node}
    assert {"QLinearConv", "QLinearAdd", "QGemm", "QLinearConcat", "QLinearMatMul"} <= kinds
    graph = loads(content)
    assert graph.is_quantised
    assert not graph.notes
    scale = graph.types[graph.outputs[0]].quant.scale[0]
    session = run_onnx.session(content)
    for x in samples(8):
        wanted = session.run(None, {"x": x[None]})[0]
        assert np.abs(answer(graph, x[None]) - wanted).max() <= 3.01 * scale


def test_dynamic_files_are_read_as_real_numbers(tmp_path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    (tmp_path / "f.onnx").write_bytes(FLOAT)
    quantize_dynamic(tmp_path / "f.onnx", tmp_path / "q.onnx", weight_type=QuantType.QUInt8)
    content = (tmp_path / "q.onnx").read_bytes()
    kinds = {n.op_type for n in onnx.load_from_string(content).graph.node}
    assert {"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"} <= kinds
    graph = loads(content)
    assert not graph.is_quantised
    assert "quantises dynamically" in graph.notes[0]
    session = run_onnx.session(content)
    for x in samples(4):
        (found,) = evaluate(graph, {"x": x[None]})
        np.testing.assert_allclose(found, session.run(None, {"x": x[None]})[0], atol=0.03)
        # what rounds is the activations alone: the weights are exactly those of the file
        reals = run_onnx.session(FLOAT).run(None, {"x": x[None]})[0]
        assert np.abs(found - reals).max() < 0.03


def qdq(name: str, source: str, made: str) -> list[onnx.NodeProto]:
    return [
        node("QuantizeLinear", source, "scale", "zero", outputs=[f"{name}/q"]),
        node("DequantizeLinear", f"{name}/q", "scale", "zero", outputs=[made]),
    ]


PARTLY = [
    *qdq("x", "x", "xr"),
    node("Gemm", "xr", "w", outputs=["a"]),
    *qdq("a", "a", "ar"),
    node("Gemm", "ar", "w", outputs=["b"]),
    node("Gemm", "b", "w", name="real", outputs=["c"]),
    *qdq("c", "c", "y"),
]
SCALES = {"w": w(4, 4), "scale": np.float32(0.05), "zero": np.int8(3)}


def test_a_file_that_is_quantised_in_part_is_read_as_float_and_says_what_is_not() -> None:
    graph = loads(model(PARTLY, {"x": [1, 4]}, SCALES))
    assert [n.op.kind for n in graph.nodes if n.op.kind != "reshape"] == ["dense"] * 3
    assert not graph.is_quantised
    assert "operators of a quantised model are not quantised:" in graph.notes[-1]
    assert "'b' (dense)" in graph.notes[-1]
    assert "read as float32, without its scales" in graph.notes[-1]
    x = R.normal(size=(1, 4)).astype(np.float32)
    product = np.linalg.matrix_power(SCALES["w"].astype(np.float64), 3)
    np.testing.assert_allclose(evaluate(graph, {"x": x})[0], x @ product, rtol=1e-4, atol=1e-6)


def test_what_integers_saturate_is_a_relu_where_they_become_real_numbers() -> None:
    """A quantiser drops a Relu, and a Clip to 6, that the zero point makes needless."""
    nodes = [
        *qdq("x", "x", "xr"),
        node("Gemm", "xr", "w", outputs=["a"]),
        node("QuantizeLinear", "a", "fine", "least", outputs=["aq"]),
        node("DequantizeLinear", "aq", "fine", "least", outputs=["ar"]),
        node("Gemm", "ar", "w", outputs=["b"]),
        node("QuantizeLinear", "b", "to six", "least", outputs=["bq"]),
        node("DequantizeLinear", "bq", "to six", "least"),
    ]
    least = {"fine": np.float32(0.02), "to six": np.float32(6 / 255), "least": np.int8(-128)}
    graph = loads(model(nodes, {"x": [1, 4]}, {**SCALES, **least}))
    assert not graph.is_quantised
    x = 8 * R.normal(size=(64, 4)).astype(np.float32)
    found = np.concatenate([evaluate(graph, {"x": row[None]})[0] for row in x])
    wanted = np.clip(np.maximum(x @ SCALES["w"], 0) @ SCALES["w"], 0, 6)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_division_between_integers_makes_the_file_float() -> None:
    nodes = [*qdq("x", "x", "a"), node("Div", "a", "a", name="ratio", outputs=["b"]),
             *qdq("b", "b", "y")]  # fmt: skip
    graph = loads(model(nodes, {"x": [1, 4]}, {k: v for k, v in SCALES.items() if k != "w"}))
    assert not graph.is_quantised
    assert "(div)" in graph.notes[-1]


def test_a_division_by_a_constant_keeps_its_integers() -> None:
    nodes = [*qdq("x", "x", "a"), node("Div", "a", "four", outputs=["b"]), *qdq("b", "b", "y")]
    held = {k: v for k, v in SCALES.items() if k != "w"} | {"four": np.float32(4)}
    graph = loads(model(nodes, {"x": [1, 4]}, held))
    assert graph.is_quantised
    x = R.normal(size=(1, 4)).astype(np.float32)
    assert np.abs(answer(graph, x) - x / 4).max() <= 0.0501


def test_a_file_in_part_whose_input_is_integers_is_refused() -> None:
    held = onnx.load_from_string(model(PARTLY[1:], {"x/q": [1, 4]}, SCALES))
    held.graph.input[0].type.tensor_type.elem_type = TensorProto.INT8
    with pytest.raises(UnsupportedError, match="operators of a quantised model"):
        loads(held.SerializeToString())


def test_every_channel_of_a_convolution_has_its_own_zero_point() -> None:
    zeros = np.asarray([1, 120, 255], np.uint8)
    weights = R.integers(0, 255, (3, 2, 2, 2)).astype(np.uint8)
    nodes = [
        node("DynamicQuantizeLinear", "x", outputs=["q", "s", "z"]),
        node("ConvInteger", "q", "w", "z", "wz", outputs=["i"]),
        node("Cast", "i", to=TensorProto.FLOAT, outputs=["c"]),
        node("Mul", "c", "s"),
    ]
    graph = loads(model(nodes, {"x": [1, 2, 3, 3]}, {"w": weights, "wz": zeros}))
    real = model([node("Conv", "x", "w")], {"x": [1, 2, 3, 3]},
                 {"w": weights.astype(np.float32) - zeros[:, None, None, None]})  # fmt: skip
    x = R.normal(size=(1, 2, 3, 3)).astype(np.float32)
    np.testing.assert_allclose(
        evaluate(graph, {"x": x})[0], run_onnx.session(real).run(None, {"x": x})[0], rtol=1e-5
    )


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_the_bias_of_a_quantised_product_is_scaled_as_the_product_is(alpha: float) -> None:
    nodes = [
        node("QuantizeLinear", "x", "sx", "zx", outputs=["q"]),
        node("QGemm", "q", "sx", "zx", "W", "sw", "zx", "B", "sy", "zx", outputs=["z"],
             domain="com.microsoft", alpha=alpha),
        node("DequantizeLinear", "z", "sy", "zx"),
    ]  # fmt: skip
    held = {"sx": np.float32(0.03), "zx": np.int8(0), "sw": np.float32(0.01),
            "sy": np.float32(0.05), "W": R.integers(-127, 127, (6, 3)).astype(np.int8),
            "B": np.asarray([3000, -2000, 500], np.int32)}  # fmt: skip
    content = foreign(model(nodes, {"x": [1, 6]}, held))
    x = R.normal(size=(1, 6)).astype(np.float32)
    wanted = run_onnx.session(content).run(None, {"x": x})[0]
    graph = loads(content)  # a product that is scaled once more has no integer form
    found = answer(graph, x) if graph.is_quantised else evaluate(graph, {"x": x})[0]
    assert graph.is_quantised == (alpha == 1)
    assert np.abs(found - wanted).max() <= (0.0501 if alpha == 1 else 0.2)


def test_a_quantised_softmax_follows_the_version_that_it_names() -> None:
    nodes = [
        node("QuantizeLinear", "x", "s", "z", outputs=["q"]),
        node("QLinearSoftmax", "q", "s", "z", "s2", "z2", outputs=["r"],
             domain="com.microsoft", axis=1, opset=13),
        node("DequantizeLinear", "r", "s2", "z2"),
    ]  # fmt: skip
    held = {"s": np.float32(0.03), "z": np.uint8(128), "s2": np.float32(1 / 256), "z2": np.uint8(0)}
    content = foreign(model(nodes, {"x": [1, 4, 3]}, held, opset=11))
    x = R.normal(size=(1, 4, 3)).astype(np.float32)
    wanted = run_onnx.session(content).run(None, {"x": x})[0]
    assert np.abs(answer(loads(content), x) - wanted).max() <= 2 / 256


def foreign(content: bytes) -> bytes:
    """A file that says that it uses ONNX Runtime's own operators."""
    held = onnx.load_from_string(content)
    held.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    return held.SerializeToString()
