"""What skl2onnx makes of scikit-learn's models, and ONNX Runtime's answers to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import evaluate

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_onnx import loads
from edgeprune.verify import run_onnx

R = np.random.default_rng(3)
ML = "ai.onnx.ml"
OUTPUTS = {"label": TensorProto.INT64, "y": TensorProto.FLOAT, "z": TensorProto.FLOAT}


def ml(op: str, *inputs: str, outputs: Sequence[str] = ("y",), **attributes: Any):
    return helper.make_node(op, list(inputs), list(outputs), domain=ML, **attributes)


def file(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str], **constants: np.ndarray) -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])
    gives = [helper.make_tensor_value_info(n, OUTPUTS[n], None) for n in outputs]
    kept = [numpy_helper.from_array(v, n) for n, v in constants.items()]
    graph = helper.make_graph(list(nodes), "sklearn", [x], gives, kept)
    sets = [helper.make_opsetid("", 18), helper.make_opsetid(ML, 1)]
    made = helper.make_model(graph, opset_imports=sets)
    made.ir_version = 10
    return made.SerializeToString()


def floats(*shape: int) -> list[float]:
    return [float(v) for v in R.normal(size=shape).astype(np.float32).ravel()]


def linear(classes: int, transform: str = "NONE", rows: int = 0) -> onnx.NodeProto:
    rows, labels = rows or classes, [*range(10, 10 + classes)]
    return ml(
        "LinearClassifier", "x", outputs=("label", "y"), classlabels_ints=labels,
        coefficients=floats(rows, 4), intercepts=floats(rows), post_transform=transform,
    )  # fmt: skip


NETWORKS = {
    "scaler": [ml("Scaler", "x", offset=floats(4), scale=floats(4))],
    "one scale": [ml("Scaler", "x", offset=[0.5], scale=[2.0])],
    "binarizer": [ml("Binarizer", "x", threshold=0.25)],
    "linear regression": [ml("LinearRegressor", "x", coefficients=floats(4), intercepts=[0.25])],
    "of two": [ml("LinearRegressor", "x", coefficients=floats(8), intercepts=floats(2), targets=2)],
    "without intercepts": [ml("LinearRegressor", "x", coefficients=floats(4))],
    "support vectors": [linear(3)],
    "logistic": [linear(2, "LOGISTIC")],
    "one row for two classes": [linear(2, "LOGISTIC", 1)],
    "one row for two support vectors": [linear(2, "NONE", 1)],
    "multinomial": [linear(3, "SOFTMAX")],
    "l1": [ml("Normalizer", "x", norm="L1")],
    "l2": [ml("Normalizer", "x", norm="L2")],
    "largest": [ml("Normalizer", "x", norm="MAX")],
    "feature": [ml("ArrayFeatureExtractor", "x", "at")],
    "log of a sum": [helper.make_node("ReduceLogSumExp", ["x", "axis"], ["y"], keepdims=1)],
}


@pytest.mark.parametrize("name", list(NETWORKS))
def test_scikit_learns_operators_compute_what_onnx_runtime_does(name: str) -> None:
    constants = {"at": np.asarray([2, 0]), "axis": np.asarray([1])}
    read = {v for n in NETWORKS[name] for v in n.input}
    used = {k: v for k, v in constants.items() if k in read}
    content = file(NETWORKS[name], ["y"], **used)
    x = (R.normal(size=(1, 4)) + 0.1).astype(np.float32)
    wanted = run_onnx.session(content).run(["y"], {"x": x})[0]
    (found,) = evaluate(loads(content), {"x": x})
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-6)


def test_a_sum_of_one_is_not_divided_by_again() -> None:
    graph = loads(file([linear(3, "SOFTMAX"), ml("Normalizer", "y", norm="L1", outputs=["z"])],
                       ["z"]))  # fmt: skip
    assert [n.op.kind for n in graph.nodes] == ["dense", "softmax"]


LABELS = [
    helper.make_node("Softmax", ["x"], ["y"]),
    helper.make_node("ArgMax", ["y"], ["at"], axis=1),
    ml("ArrayFeatureExtractor", "classes", "at", outputs=["named"]),
    helper.make_node("Cast", ["named"], ["label"], to=TensorProto.INT64),
]
CLASSES = {"classes": np.asarray([7, 8, 9, 5])}


def test_a_label_beside_its_scores_is_left_out_and_said() -> None:
    graph = loads(file(LABELS, ["label", "y"], **CLASSES))
    assert [graph.ports[v].name for v in graph.outputs] == ["y"]
    assert "'label' is the index of the largest of [1, 4] along axis 1: left out" in graph.notes[-1]


def test_a_label_beside_other_values_gives_way_to_its_scores() -> None:
    nodes = [*LABELS[:2], helper.make_node("Cast", ["at"], ["label"], to=TensorProto.INT64),
             helper.make_node("Sigmoid", ["x"], ["z"])]  # fmt: skip
    graph = loads(file(nodes, ["label", "z"]))
    assert [graph.ports[v].name for v in graph.outputs] == ["label", "z"]
    assert graph.producer[graph.outputs[0]].op.kind == "softmax"
    assert "the output is what it is found in" in graph.notes[-1]


@pytest.mark.parametrize("norm", ["L1", "L2"])
def test_a_row_of_zeros_stays_one(norm: str) -> None:
    content = file([ml("Normalizer", "x", norm=norm)], ["y"])
    x = np.zeros((1, 4), np.float32)
    (found,) = evaluate(loads(content), {"x": x})
    assert np.array_equal(found.reshape(x.shape), run_onnx.session(content).run(["y"], {"x": x})[0])


def test_a_label_alone_gives_way_to_its_scores() -> None:
    graph = loads(file(LABELS, ["label"], **CLASSES))
    assert [graph.ports[v].name for v in graph.outputs] == ["label"]
    assert [n.op.kind for n in graph.nodes] == ["softmax"]
    assert "the output is what it is found in" in graph.notes[-1]


def test_what_computes_with_an_index_is_refused_by_name() -> None:
    nodes = [*LABELS[:2], helper.make_node("Cast", ["at"], ["real"], to=TensorProto.FLOAT),
             helper.make_node("Mul", ["real", "real"], ["label"], name="square")]  # fmt: skip
    with pytest.raises(UnsupportedError, match=r"'square' \(Mul\): computes with an index") as e:
        loads(file(nodes, ["label"]))
    assert "end the model at the scores" in str(e.value)


def test_coefficients_that_do_not_go_with_the_features_are_an_error() -> None:
    wrong = ml("LinearRegressor", "x", coefficients=floats(5), intercepts=[0.25])
    with pytest.raises(EdgePruneError, match="5 coefficients and 1 intercepts for 1 x 4"):
        loads(file([wrong], ["y"]))
