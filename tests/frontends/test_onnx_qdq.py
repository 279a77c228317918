from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_models import model, node

from edgeprune.compiler import Recipe
from edgeprune.emit.to_onnx import emit
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import DType, Graph, quantise_array, run, run_int
from edgeprune.quantize.rewrite import quantise
from edgeprune.target import load_target
from edgeprune.verify import run_onnx

R = np.random.default_rng(5)


def w(*shape: int) -> np.ndarray:
    return (R.normal(size=shape) / np.sqrt(max(1, np.prod(shape[1:])))).astype(np.float32)


NODES = [
    node("Conv", "x", "w1", "b1", pads=[1, 1, 1, 1], outputs=["a"], name="first"),
    node("Relu", "a", outputs=["r"]),
    node("Conv", "r", "w2", "b2", group=4, outputs=["c"]),
    node("MaxPool", "c", kernel_shape=[2, 2], strides=[2, 2], outputs=["m"]),
    node("AveragePool", "c", kernel_shape=[2, 2], strides=[2, 2], outputs=["v"]),
    node("Add", "m", "v", outputs=["s"]),
    node("Concat", "s", "m", axis=1, outputs=["k"]),
    node("Flatten", "k", outputs=["f"]),
    node("Gemm", "f", "w3", "b3", outputs=["g"]),
    node("Softmax", "g", axis=1),
]
CONSTANTS = {
    "w1": w(4, 3, 3, 3), "b1": w(4), "w2": w(4, 1, 3, 3), "b2": w(4), "w3": w(72, 5), "b3": w(5),
}  # fmt: skip
FLOAT = model(NODES, {"x": [1, 3, 8, 8]}, CONSTANTS)
PARTLY = model(
    [
        node("Conv", "x", "w1", "b1", outputs=["a"]),
        node("HardSigmoid", "a", outputs=["h"], alpha=1 / 6),
        node("Mul", "a", "h", outputs=["m"]),
        node("PRelu", "m", "slope", outputs=["p"]),
        node("MaxPool", "p", kernel_shape=[2, 2], outputs=["q"]),
        node("Conv", "q", "w4", outputs=["c"]),
        node("ReduceMean", "c", "axes", outputs=["r"], keepdims=1),
        node("Reshape", "r", "shape", outputs=["f"]),
        node("Gemm", "f", "w5"),
    ],
    {"x": [1, 3, 8, 8]},
    {
        "w1": CONSTANTS["w1"], "b1": CONSTANTS["b1"], "slope": w(4, 1, 1), "w4": w(6, 4, 1, 1),
        "axes": np.asarray([2, 3]), "shape": np.asarray([1, -1]), "w5": w(6, 3),
    },
)  # fmt: skip
"""A network with operators that ONNX Runtime's tool gives no scale."""


def samples(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3, 8, 8)).astype(np.float32)


def ours() -> Graph:
    """The network, quantised here."""
    graph = fuse(loads(FLOAT))
    x = torch.from_numpy(np.ascontiguousarray(samples(32).transpose(0, 2, 3, 1)))
    values = run(graph, {graph.inputs[0]: x})
    return quantise(graph, {k: (float(t.min()), float(t.max())) for k, t in values.items()})


def integers_of(graph: Graph, x: np.ndarray) -> np.ndarray:
    """What the integer reference computes for channels-first reals."""
    v = graph.inputs[0]
    fed = quantise_array(x.transpose(0, 2, 3, 1), graph.types[v])
    return run_int(graph, {v: fed})[graph.outputs[0]]


def static(folder: Path, content: bytes = FLOAT, **options: object) -> bytes:
    """A network, quantised by ONNX Runtime's tool."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.rows = iter(samples(16))

        def get_next(self):
            row = next(self.rows, None)
            return None if row is None else {"x": row[None]}

    inferred = onnx.shape_inference.infer_shapes(onnx.load_from_string(content))
    onnx.save(inferred, folder / "float.onnx")
    quantize_static(
        folder / "float.onnx",
        folder / "int.onnx",
        Reader(),
        quant_format=QuantFormat.QDQ,
        **options,
    )
    return (folder / "int.onnx").read_bytes()


def test_what_was_emitted_is_read_back_with_every_integer() -> None:
    graph = ours()
    again = loads(emit(graph))
    x = samples(64)
    np.testing.assert_array_equal(integers_of(again, x), integers_of(graph, x))
    assert [n.op.kind for n in again.nodes] == [n.op.kind for n in graph.nodes]
    stored = sorted(c.tobytes() for c in graph.constants.values())
    assert sorted(c.tobytes() for c in again.constants.values()) == stored
    port = again.ports[again.inputs[0]]
    assert (port.dtype, port.perm, port.shape) == (DType.FLOAT32, (2, 0, 1), (1, 3, 8, 8))


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
def test_models_of_onnx_runtimes_quantiser_are_read_as_integers(
    tmp_path: Path, per_channel: bool, activations: str
) -> None:
    from onnxruntime.quantization import QuantType

    content = static(
        tmp_path, per_channel=per_channel, activation_type=QuantType[activations],
        weight_type=QuantType.QInt8,
    )  # fmt: skip
    graph = loads(content)
    assert graph.is_quantised
    assert all(t.dtype is not DType.FLOAT32 for t in graph.types.values())
    session = run_onnx.session(content)
    x = samples(64)
    theirs = np.concatenate([session.run(None, {"x": row[None]})[0] for row in x])
    t, v = graph.types[graph.outputs[0]], graph.inputs[0]
    wanted = quantise_array(theirs, t).astype(int)
    # the same integers under the same runtime: only the softmax has a scale of its own in between
    fed = quantise_array(x.transpose(0, 2, 3, 1), graph.types[v])
    assert np.abs(run_onnx.run_raw(emit(graph), fed) - wanted).max() <= 1
    # the reference rounds otherwise, and a softmax makes a step at its input several at its output
    found = integers_of(graph, x)
    assert np.abs(found - wanted).max() <= 8
    np.testing.assert_array_equal(integers_of(loads(emit(graph)), x), found)


def test_operators_without_a_scale_between_integers_get_one(tmp_path: Path) -> None:
    from onnxruntime.quantization import QuantType

    content = static(
        tmp_path, PARTLY, per_channel=True, activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )  # fmt: skip
    graph, session, x = loads(content), run_onnx.session(content), samples(64)
    assert all(t.dtype is not DType.FLOAT32 for t in graph.types.values())
    theirs = np.concatenate([session.run(None, {"x": row[None]})[0] for row in x])
    wanted = quantise_array(theirs, graph.types[graph.outputs[0]]).astype(int)
    assert np.abs(integers_of(graph, x) - wanted).max() <= 4


def test_constants_beside_integers_take_their_scale(tmp_path: Path) -> None:
    from onnxruntime.quantization import QuantType

    nodes = [
        node("Conv", "x", "w1", "b1", outputs=["a"]),
        node("Max", "a", "floor", outputs=["m"]),
        node("Concat", "m", "far", axis=1, outputs=["c"]),
        node("Conv", "c", "w6"),
    ]
    constants = {
        **{k: CONSTANTS[k] for k in ("w1", "b1")}, "floor": w(4, 1, 1), "far": w(1, 2, 6, 6) + 2,
        "w6": w(3, 6, 1, 1),
    }  # fmt: skip
    content = static(
        tmp_path, model(nodes, {"x": [1, 3, 8, 8]}, constants), activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )  # fmt: skip
    graph, session, x = loads(content), run_onnx.session(content), samples(32)
    assert all(t.dtype is not DType.FLOAT32 for t in graph.types.values())
    theirs = np.concatenate([session.run(None, {"x": row[None]})[0] for row in x])
    wanted = quantise_array(theirs.transpose(0, 2, 3, 1), graph.types[graph.outputs[0]])
    assert np.abs(integers_of(graph, x).astype(int) - wanted).max() <= 2
    Recipe(load_target("host"), "int8", "size", {}).compile(graph)


def _edges(kind: int, dtype: type) -> bytes:
    """A dense layer whose own inputs and outputs are integers."""
    zero = np.asarray(100 if dtype is np.uint8 else -28, dtype)
    constants = {
        "s": np.float32(0.05), "z": zero, "t": np.float32(0.1),
        "q": R.integers(-127, 128, (6, 3)).astype(np.int8), "ws": (np.abs(w(3)) + 0.01),
    }  # fmt: skip
    nodes = [
        node("DequantizeLinear", "x", "s", "z", outputs=["a"]),
        node("DequantizeLinear", "q", "ws", outputs=["b"], axis=1),
        node("MatMul", "a", "b", outputs=["c"]),
        node("QuantizeLinear", "c", "t", "z"),
    ]
    infos = [helper.make_tensor_value_info(n, kind, [1, s]) for n, s in (("x", 6), ("y", 3))]
    kept = [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()]
    graph = helper.make_graph(nodes, "edges", infos[:1], infos[1:], kept)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10
    ).SerializeToString()


@pytest.mark.parametrize(
    ("kind", "dtype"), [(TensorProto.INT8, np.int8), (TensorProto.UINT8, np.uint8)]
)
def test_integers_at_the_edges_stay_the_users(kind: int, dtype: type) -> None:
    content = _edges(kind, dtype)
    graph = loads(content)
    emitted = emit(graph)
    for side in ("input", "output"):
        value = getattr(onnx.load_from_string(emitted).graph, side)[0]
        assert value.type.tensor_type.elem_type == kind
    info = np.iinfo(dtype)
    x = R.integers(info.min, info.max + 1, (50, 1, 6)).astype(dtype)
    theirs, again = (
        np.concatenate([run_onnx.session(c).run(None, {"x": row})[0] for row in x])
        for c in (content, emitted)
    )
    np.testing.assert_array_equal(again, theirs)
    shift = 128 if dtype is np.uint8 else 0
    fed = (x[:, 0].astype(int) - shift).astype(np.int8)
    found = run_int(graph, {graph.inputs[0]: fed})[graph.outputs[0]].astype(int) + shift
    assert np.abs(found - theirs).max() <= 1
    np.testing.assert_array_equal(run_onnx.run_raw(emitted, fed).astype(int) + shift, theirs)


def test_a_model_that_is_quantised_in_part_is_float_and_says_why_by_name() -> None:
    nodes = [
        node("QuantizeLinear", "x", "s", "z", outputs=["q"]),
        node("DequantizeLinear", "q", "s", "z", outputs=["d"]),
        node("Gemm", "d", "w", outputs=["g"], name="loose"),
        node("Relu", "g", outputs=["r"]),
        node("Tanh", "r"),
    ]
    constants = {"s": np.float32(0.1), "z": np.int8(3), "w": w(4, 2)}
    graph = loads(model(nodes, {"x": [1, 4]}, constants))
    assert not graph.is_quantised
    assert "'loose'" in graph.notes[-1]


def test_weights_with_a_zero_point_are_read_as_real_numbers() -> None:
    constants = {
        "s": np.float32(0.1), "z": np.int8(3), "q": R.integers(-90, 90, (4, 2)).astype(np.int8),
    }  # fmt: skip
    nodes = [
        node("QuantizeLinear", "x", "s", "z", outputs=["a"]),
        node("DequantizeLinear", "a", "s", "z", outputs=["b"]),
        node("DequantizeLinear", "q", "s", "z", outputs=["c"]),
        node("MatMul", "b", "c", outputs=["m"], name="skewed"),
        node("QuantizeLinear", "m", "s", "z", outputs=["n"]),
        node("DequantizeLinear", "n", "s", "z"),
    ]
    graph = loads(model(nodes, {"x": [1, 4]}, constants))
    assert re.search(r"'skewed': its constant .* is not of int8", graph.notes[-1])
    (weights,) = (c for c in graph.constants.values() if c.ndim == 2)
    np.testing.assert_allclose(weights, 0.1 * (constants["q"].T.astype(float) - 3), rtol=1e-6)


def test_a_float_model_on_bytes_keeps_its_type_of_input() -> None:
    made = onnx.load_from_string(
        model([node("Cast", "x", to=1, outputs=["f"]), node("Gemm", "f", "w")], {"x": [1, 4]},
              {"w": w(4, 2)})
    )  # fmt: skip
    made.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    graph = loads(made.SerializeToString())
    assert graph.ports[graph.inputs[0]].dtype is DType.UINT8
    assert graph.types[graph.inputs[0]].dtype is DType.FLOAT32
    session = run_onnx.session(emit(graph))
    assert session.get_inputs()[0].type == "tensor(uint8)"
    x = np.asarray([[1, 2, 3, 255]], np.uint8)
    wanted = run_onnx.session(made.SerializeToString()).run(None, {"x": x})[0]
    np.testing.assert_allclose(session.run(None, {"x": x})[0], wanted, rtol=1e-5)
